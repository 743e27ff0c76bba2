"""The model test sees what it is there to see: with a defect put into the product, it fails."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase

from streams import recorder
from streams.flows.clock import ClockFlow
from streams.flows.submission import SubmissionFlow
from streams.settings import Settings
from streams.store import outbox
from streams.store.recall import Recall
from streams.storing import Storing
from streams.sweeper import Sweeper
from tests.model.test_model import run_histories

HISTORIES = 250
"""As many as the suite runs of the product itself."""


async def _nothing(*_: Any, **__: Any) -> list[Any]:
    return []


def _first_record_only(self: Storing, plans: Any, is_ours: Any) -> Any:
    return _STORE(self, plans[:1], is_ours)


_STORE = Storing.store

DEFECTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "repeats in one group are not seen": (recorder, "_mark_repeated", lambda plans: None),
    "only the first record of a group is stored": (Storing, "store", _first_record_only),
    "what was announced is not kept with the rows": (outbox, "packages_of", lambda plans: []),
    "nobody sweeps up what a crash left unannounced": (Sweeper, "sweep", _nothing),
    "the database is not asked what was stored": (Recall, "known_ids", _nothing),
    "submissions are remembered across a rebalance": (SubmissionFlow, "forget", lambda self: None),
    "clocks are remembered across a rebalance": (ClockFlow, "forget", lambda self: None),
    "a worker without its partitions writes": (recorder.Batch, "is_ours", property(lambda self: True)),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(defect: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*DEFECTS[defect])
    with pytest.raises((AssertionError, RuntimeError, BaseExceptionGroup)):
        run_histories(settings, HISTORIES, Phase.generate)
