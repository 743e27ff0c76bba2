"""What is judged together: the batches that one fetch brought."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from streams import pipeline


class Judged:
    """Stands for judging and for the recorder: takes down the groups in which batches come."""

    def __init__(self) -> None:
        self.groups: list[list[Any]] = []
        self.four_came = asyncio.Event()

    def forget(self) -> None:
        pass

    async def plans(self, batches: Any) -> Any:
        self.groups.append(list(batches))
        if sum(map(len, self.groups)) == 4:
            self.four_came.set()
        return [[] for _ in batches]

    async def put(self, group: Any) -> None:
        pass


def batch(*records: str) -> Any:
    message = SimpleNamespace(generation_id=1)
    return SimpleNamespace(value=[SimpleNamespace(value=record.encode()) for record in records], message=message)


@pytest.mark.parametrize(("most_records", "groups"), [(100, [4, 1]), (2, [2, 2, 1])])
async def test_batches_of_one_fetch_are_one_group_up_to_its_size(most_records: int, groups: list[int]) -> None:
    judged = Judged()

    async def fetched() -> AsyncIterator[Any]:
        for name in "abcd":
            yield batch(name)
            await asyncio.sleep(0)  # as Faust hands them over
        await judged.four_came.wait()
        yield batch("e")

    await pipeline.run(fetched(), judged, judged, most_records)  # type: ignore[arg-type]
    assert [len(group) for group in judged.groups] == groups
