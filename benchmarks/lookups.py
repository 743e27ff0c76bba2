"""What holding an event against the standards costs, in this process: nothing is read, sent or stored.

The standards are made as organisations make them: many teams, each with rules on its own folders, whose patterns and
globs are often the same; some rules hold everywhere. Every event is judged once, so that no path is met again.
"""

import gc
from datetime import UTC, datetime
from random import Random
from statistics import fmean, median
from time import perf_counter
from typing import Any

from benchmarks.load import SEED, Load
from benchmarks.stack import Progress
from benchmarks.targets import Measurement
from schemas.events import FilesystemTimestamps
from streams.judges import standards
from streams.standards.ruleset import Ruleset
from streams.standards.spec import StandardSpec
from streams.standards.standard import Standard

SIZES = (50, 1_000, 10_000)
CHART_SIZES = (10, *SIZES)
_WARM_UP_EVENTS = 2_000
_FOLDERS = ("gateway", "billing", "catalog", "identity", "search", "mailer", "ledger", "frontend")
_AREAS = ("src", "lib", "tests", "docs", "tools", "deploy")
_RELICS = ("legacy", "deprecated", "vendor", "prototype", "scratch", "archive", "draft", "spike")
_KEPT = (r"^[^\x00-\x1f/]+$", r"[A-Za-z0-9]", r"[^.]$", r"^[^~#]")
"""Hundreds of teams copy the same rules for the same folders; if files broke them, each would break hundreds."""
_KINDS = ("parser", "client", "handler", "session", "router", "worker", "token", "policy")


def measure(quick: bool, progress: Progress) -> tuple[list[Measurement], dict[str, Any]]:
    """A measurement for each size of the table, and the series of the chart."""
    events = 1_000 if quick else 20_000
    costs = {}
    for size in CHART_SIZES:
        progress(f"{size:,} standards")
        costs[size] = cost(size, events)
    measured = []
    for size in SIZES:
        ratio = round(costs[size]["mean_us"] / costs[50]["mean_us"], 3)
        detail = {**costs[size], "cost_to_that_of_50": ratio}
        measured.append(Measurement(f"lookup_{size}_p99_ms", round(costs[size]["p99_us"] / 1000, 4), "ms", detail))
    return measured, {"lookup_us_by_rules": [{"rules": size, **told} for size, told in costs.items()]}


def cost(size: int, events: int) -> dict[str, Any]:
    """Microseconds of judging one event of one file, and of one of a hundred, with `size` standards in force."""
    made = make_standards(size)
    started = perf_counter()
    rules = Ruleset.compile(made, 1, datetime.now(UTC))
    compiled = perf_counter() - started
    base_us = 1_760_000_000_000_000
    times, found = _judged(Load(base_us), rules, events)
    of_hundred, _ = _judged(Load(base_us, files_per_event=100, seed=SEED + 1), rules, max(20, events // 100))
    return {
        "mean_us": round(fmean(times), 2),
        "median_us": round(median(times), 2),
        "p99_us": round(_p99(times), 2),
        "highest_us": round(max(times), 2),
        "events": events,
        "violations_per_event": round(found / events, 3),
        "hundred_files_p99_us": round(_p99(of_hundred), 1),
        "compile_seconds": round(compiled, 3),
    }


def _judged(load: Load, rules: Ruleset, events: int) -> tuple[list[float], int]:
    """The time of each event in microseconds, after a warm-up of the same kind, and how much was found."""
    warm_up = min(_WARM_UP_EVENTS, events)
    values = (load.event(number).value for number in range(warm_up + events))
    parsed = [FilesystemTimestamps.model_validate_json(value) for value in values]
    times, found = [], 0
    gc.collect()
    gc.freeze()
    try:
        for event in parsed:
            started = perf_counter()
            findings = [finding for file in event.files for finding in standards.judge_file(file, event, rules)]
            times.append((perf_counter() - started) * 1_000_000)
            found += len(findings)
    finally:
        gc.unfreeze()
    return times[warm_up:], found


def _p99(times: list[float]) -> float:
    return sorted(times)[-(-99 * len(times) // 100) - 1]


def make_standards(count: int) -> list[Standard]:
    """Seeded regex standards on files, most of which an ordinary file keeps; three of four within some folder."""
    return [spec.to_standard() for spec in make_specs(count)]


def make_specs(count: int) -> list[StandardSpec]:
    """The same as a person would write them."""
    random = Random(SEED)
    return [
        StandardSpec(code=f"BENCH-{number:05}", applies_to="filesystem", **_rule(random, number))
        for number in range(count)
    ]


def _rule(random: Random, number: int) -> dict[str, Any]:
    folder, area, relic, kind = (random.choice(words) for words in (_FOLDERS, _AREAS, _RELICS, _KINDS))
    team = random.randrange(max(1, number // 20 + 1))
    shapes: tuple[dict[str, Any], ...] = (
        # What nobody wants anywhere.
        {"field": "file_path", "match_mode": "must_not_match", "pattern": rf"(^|/){relic}_{team:03}(/|$)"},
        # A team's names within its own folders.
        {"field": "file_name", "path_glob": f"**/{folder}/{area}/**",
         "pattern": random.choice(_KEPT)},
        {"field": "file_name", "match_mode": "must_not_match", "path_glob": f"/srv/team-{team:03}/**",
         "pattern": rf"(?i)^{relic}.*\.(py|ts|go)$"},
        {"field": "file_path", "match_mode": "must_not_match", "path_glob": f"**/{area}/**/*.{{py,go,ts}}",
         "pattern": rf"/{kind}_[0-9]+_{relic}\.[a-z]+$"},
        {"field": "extension", "path_glob": f"**/team-{team:03}/{area}/*",
         "pattern": r"^(py|ts|go|md|ya?ml|json|html|css)$"},
        {"field": "host", "match_mode": "must_not_match", "pattern": rf"^{relic}-{team:03}\."},
        {"field": "file_name", "path_glob": f"/opt/app/{folder}-{team:03}/**", "pattern": r"^[a-z0-9_.-]+$"},
        {"field": "file_path", "path_glob": f"**/{folder}/{area}/{kind}_{team:03}/**", "pattern": rf"/{folder}/"},
    )  # fmt: skip
    return {"category": "naming", **shapes[number % len(shapes)]}
