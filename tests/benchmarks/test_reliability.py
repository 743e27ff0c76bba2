"""What the soak and the floods call flat, bounded and accounted for; the servers are tried by hand and by night."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import floods, reliability_page, soak
from benchmarks.flood_inputs import Expected
from benchmarks.stack import BenchError
from benchmarks.vital_signs import SERIES, growth_percent, summary


def samples(**series: list[float]) -> list[dict[str, float]]:
    length = len(next(iter(series.values())))
    flat = {name: [10.0] * length for name in SERIES} | series
    return [{"seconds": 2.0 * n, **{name: values[n] for name, values in flat.items()}} for n in range(length)]


def soaked(p99: list[float], **series: list[float]) -> dict[str, Any]:
    taken = samples(**(series or {"rss_mb": [100.0] * 50}))
    return {
        "rate": 100, "minutes": len(p99), "events": 600, "rows": 600, "dead": 0, "drained_seconds": 0.5,
        "segments": [{"p99_ms": value, "p50_ms": value / 2} for value in p99], "samples": taken,
        "signs": summary(taken), "others_percent": 0.0,
    }  # fmt: skip


def test_growth_leaves_the_warm_up_out() -> None:
    assert growth_percent(samples(rss_mb=[50.0] * 10 + [100.0] * 40), "rss_mb") == 0
    assert growth_percent(samples(rss_mb=[100.0 + n for n in range(50)]), "rss_mb") > 20


def test_a_flat_soak_has_no_problem() -> None:
    assert soak._problems_of_soak(soaked([900.0, 50.0, 60.0, 55.0, 52.0, 58.0])) == []


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (soaked([50.0] * 6, rss_mb=[100.0 + n for n in range(50)]), "memory grew"),
        (soaked([50.0, 50.0, 50.0, 90.0, 95.0, 99.0]), "p99 of a minute grew"),
        (soaked([50.0] * 6, descriptors=[20.0 + n // 5 for n in range(50)]), "descriptors grew from 22.5 to 28.5"),
        (soaked([50.0] * 6, connections=[5.0 + n // 10 for n in range(50)]), "connections grew"),
        ({**soaked([50.0] * 6), "rows": 599}, "599 rows of 600 events"),
        ({**soaked([50.0] * 6), "dead": 1}, "1 dead letters"),
    ],
)
def test_what_grows_or_is_missing_is_told(told: dict[str, Any], problem: str) -> None:
    (found,) = soak._problems_of_soak(told)
    assert problem in found


def test_the_capacity_is_what_is_stored_while_events_are_sent_without_the_start_and_the_draining() -> None:
    files = [0.0] * 5 + [100.0 * n for n in range(16)] + [1500.0 + 1000 * n for n in range(5)]
    assert soak.sustained(samples(files=files), sending_seconds=40) == 50
    with pytest.raises(BenchError, match="too few"):
        soak.sustained(samples(files=files[:1]), sending_seconds=40)


def test_a_flood_is_accounted_for_to_the_record() -> None:
    assert floods._problems(Expected(10, dead=3, rows=7), dead=3, rows=7) == []
    assert floods._problems(Expected(10, dead=3, rows=7), dead=2, rows=8) == ["2 dead letters of 3", "8 rows of 7"]


def test_a_table_is_written_between_its_marks_and_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "reliability.md"
    page.write_text("# Title\n<!-- load:begin -->\nold\n<!-- load:end -->\nbehind\n")
    monkeypatch.setattr(reliability_page, "PAGE", page)
    table = reliability_page.markdown_table(["a", "b"], [["1|2", "3"]])
    reliability_page.write("load", table)
    expected = "# Title\n<!-- load:begin -->\n| a | b |\n| --- | --- |\n| 1\\|2 | 3 |\n<!-- load:end -->\nbehind\n"
    assert page.read_text() == expected
    with pytest.raises(ValueError, match="lacks the marks"):
        reliability_page.write("floods", table)


def test_the_page_of_a_run_names_what_went_wrong() -> None:
    document = {
        "machine": {"cpu": "c", "cores": 2, "memory_gb": 24, "python": "3.11.7"}, "command": "scripts/soak",
        "started_at": "2026", "git_revision": "abc", "capacity": 1000.0,
        "series": {"soak": {**soaked([50.0] * 4), "problems": ["1 dead letters"]}},
    }  # fmt: skip
    written = soak.page(document)
    assert "1 dead letters" in written
    assert "reliability-soak.svg" in written
    assert "reliability-overload.svg" not in written


def test_a_page_of_two_runs_names_both_and_keeps_what_was_not_measured_again() -> None:
    document = {"command": "scripts/soak --minutes 9", "git_revision": "new", "series": {"soak": {"rate": 2}}}
    base = {
        "command": "scripts/soak --quick", "git_revision": "old", "capacity": 5.0,
        "series": {"soak": {"rate": 1}, "overload": {"rate": 3}},
    }  # fmt: skip
    soak._add_base(document, base)
    assert document["command"] == "scripts/soak --quick, then scripts/soak --minutes 9"
    assert document["git_revision"] == "old, then new"
    assert document["series"] == {"soak": {"rate": 2}, "overload": {"rate": 3}}
    assert document["capacity"] == 5.0
