"""So many at a time, and the others in order; nobody who gives up keeps a place."""

import asyncio

import pytest

from pyrdpmux.net.places import Places


def test_the_next_in_order_has_what_is_given_back() -> None:
    async def scenario() -> None:
        places, order = Places(2), []

        async def want(number: int) -> None:
            await places.take("one")
            order.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(want(number))
            await asyncio.sleep(0)
            assert order == [0, 1]
            assert places.claims == 5
            await places.take("other")
            for expected in ([0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4]):
                places.give_back("one")
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                assert order == expected
        for owner in ("one", "one", "other"):
            places.give_back(owner)
        assert places.claims == 0
        assert not places._taken
        assert not places._queues

    asyncio.run(scenario())


def test_who_is_cancelled_in_the_moment_of_its_turn_hands_it_on() -> None:
    async def scenario() -> None:
        places = Places(1)
        await places.take("one")
        first = asyncio.get_running_loop().create_task(places.take("one"))
        second = asyncio.get_running_loop().create_task(places.take("one"))
        await asyncio.sleep(0)
        places.give_back("one")
        first.cancel()
        await second
        assert first.cancelled()
        places.give_back("one")
        assert places.claims == 0

    asyncio.run(scenario())


def test_there_is_an_end_to_waiting() -> None:
    async def scenario() -> None:
        places = Places(1)
        await places.take("one")
        with pytest.raises(TimeoutError):
            await places.take("one", until=asyncio.get_running_loop().time())
        assert places.claims == 1

    asyncio.run(scenario())
