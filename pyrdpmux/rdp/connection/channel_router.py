"""Which machine hears what comes on a connection's static channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pyrdpmux.rdp.channels.dynamic.pdu import CHANNEL_NAME
from pyrdpmux.rdp.connection.channel import Channel, Offer, Queued, RawChannel
from pyrdpmux.rdp.connection.dynamic_channels import DynamicChannels


class ChannelRouter:
    """A machine for every static channel, by its MCS number, once ``begin`` has been called.

    What an owner offers is a static channel where the client has defined one of that name, and a dynamic one
    otherwise; ``drdynvc`` is spoken as soon as there is a dynamic one, or it is offered itself.
    """

    def __init__(self) -> None:
        self._machines: dict[int, Channel] = {}
        #: the manager of dynamic channels; None where there is none
        self.dynamic: DynamicChannels | None = None

    def begin(
        self,
        channels: Mapping[int, str],
        offer: Offer,
        manager: Callable[[Offer], DynamicChannels],
        now: float,
    ) -> None:
        """``channels``: names of the static ones. Where a name comes twice, the second one is raw."""
        dynamic = tuple([name for name in offer.names if name not in channels.values()])
        for channel_id, name in channels.items():
            is_offered = name in offer.names and name not in [item.name for item in self._machines.values()]
            if name == CHANNEL_NAME and (dynamic or is_offered) and self.dynamic is None:
                self._machines[channel_id] = self.dynamic = manager(replace(offer, names=dynamic))
            else:
                self._machines[channel_id] = offer.machine(name) if is_offered else RawChannel(name)
        for machine in self._machines.values():
            machine.opened(now)

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._machines

    def received(self, channel_id: int, message: bytes, now: float) -> None:
        """Give a message to the machine of its channel. Raises PeerError."""
        self._machines[channel_id].received(message, now)

    def take(self) -> Iterator[tuple[int, Queued]]:
        """What the machines have queued, by the channels that it is for."""
        for channel_id, machine in self._machines.items():
            if machine.has_queued:
                yield channel_id, machine.take()
