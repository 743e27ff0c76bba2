"""A wait that ends in time, whatever it waits for."""

import asyncio
import logging

import pytest

from streams.stopping import ends_within, unfinished


async def test_what_ends_in_time_is_waited_for_and_its_errors_are_raised(caplog: pytest.LogCaptureFixture) -> None:
    assert await ends_within(60, asyncio.sleep(0), "never said")

    async def fails() -> None:
        raise ValueError("its own error")

    with pytest.raises(ValueError, match="its own error"):
        await ends_within(60, fails(), "never said")
    assert not caplog.records


async def test_what_does_not_heed_its_cancellation_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    released, refusals = asyncio.Event(), []

    async def stubborn() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                refusals.append("refused")

    with caplog.at_level(logging.WARNING):
        assert not await ends_within(0, stubborn(), "it is left")
    assert "it is left" in caplog.text
    await asyncio.sleep(0)
    assert "stubborn" in unfinished()
    assert refusals
    released.set()


async def test_who_is_cancelled_while_waiting_cancels_what_it_waits_for() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(ends_within(60, waits(), "never said"))
    await begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await ended.wait()
