"""When the records are written: on a thread, since a disk may be slow; all changes of a moment at once."""

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import Final

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.mux.librdpmux.records import RecordFile
from pyrdpmux.mux.log.rate_limited import RateLimitedLog
from pyrdpmux.net.blocking import BlockingPool, BlockingTimeout
from pyrdpmux.net.tasks import TaskSet

log = RateLimitedLog(logging.getLogger("pyrdpmux.librdpmux"))

WRITE_INTERVAL: Final = 0.02
"""Between two times that all records are written, unless somebody waits for it: a guest may change its own as
often as it likes."""


class RecordKeeper:
    """Keeps :attr:`file` on disk as it is in memory, a moment later."""

    def __init__(self, directory: Path | None, files: BlockingPool) -> None:
        self.file = RecordFile(directory, self._changed)
        self._files = files
        self._is_kept = directory is not None
        self._changes = 0
        #: how many of them are on disk
        self._written = 0
        self._news = asyncio.Event()
        #: somebody waits for what is to be written next
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._tasks = TaskSet()

    async def flush(self) -> None:
        """What has changed until now is on disk, or the log says why not."""
        wanted = self._changes
        while self._written < wanted:
            self._hurry.set()
            await self._news.wait()

    async def stop(self) -> None:
        await self.flush()
        await self._tasks.cancel_all()

    def _changed(self) -> None:
        if self._is_kept:
            self._changes += 1
            if self._task is None:
                self._task = self._tasks.create(self._keep(), "records")

    async def _keep(self) -> None:
        try:
            while self._written < self._changes:
                changes, text = self._changes, self.file.text()
                try:
                    await self._files.run("records", partial(self.file.write, text))
                except (BlockingTimeout, LimitExceeded) as error:
                    log.warning("records", "A restart will lose VMs: %s", error)
                self._written = changes
                self._news.set()
                self._news.clear()
                await self._pause()
        finally:
            self._task = None

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(WRITE_INTERVAL):
                await self._hurry.wait()
        except TimeoutError:
            pass
        self._hurry.clear()
