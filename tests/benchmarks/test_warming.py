"""The broker is warm when its compiler rests: asked of a real one."""

import pytest

from benchmarks import warming


def test_the_compilers_threads_of_a_broker_are_found(kafka_pid: int) -> None:
    runs: list[int] = []
    assert warming._compiler_seconds(kafka_pid)
    warming.until_compiled(kafka_pid, runs.append, 1, lambda _: None)
    assert runs == [0]


def test_runs_go_on_until_the_compiler_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    before_and_after_each = iter(
        [{"7": 1.0}, {"7": 11.0}, {"7": 11.0}, {"7": 11.0, "8": 9.0}, {"8": 9.0}, {"8": 9.0}]  # one came, one went
    )
    monkeypatch.setattr(warming, "_compiler_seconds", lambda _: next(before_and_after_each))
    runs: list[int] = []
    warming.until_compiled(1, runs.append, 5, lambda _: None)
    assert runs == [0, 1, 2]
