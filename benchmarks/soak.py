"""`scripts/soak`: a worker at 70 % of its capacity for half an hour, then at three times its capacity for two minutes.

capacity ─► soak, in segments of a minute: a sender and an observer each, the next one prepared meanwhile
         ─► overload: everything is sent at three times the capacity, and then it is waited for
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import monotonic, sleep, time
from typing import Any

from benchmarks import charts, reliability_page, throughput
from benchmarks.contestants import COCKPIT, Running, cockpit, new_group, running
from benchmarks.disturbance import LOUD_PERCENT, Disturbance
from benchmarks.load import SEED, VIOLATING_EVERY, Load, as_argument
from benchmarks.paced import Part, started
from benchmarks.report import new_document
from benchmarks.stack import CHECKOUT, TOPIC, BenchError, BenchStack, running_stack
from benchmarks.vital_signs import Sample, VitalSigns, middle_and_end, summary, wait_until_ready
from streams.local.server import free_port

SHARE, OVERLOAD_FACTOR = 0.7, 3.0
_SEGMENT_SECONDS = 60.0
_SAMPLES_PER_SECOND = 50
_SUSTAINED_SECONDS = 30.0
"""Of sending as fast as a worker reads a full topic, for the capacity while events are sent."""
_PREPARING_SECONDS_AN_EVENT = 60e-6
"""Of the sender, on a core that it shares; a segment must be ready before it is due."""
_PREPARED_WITHIN = 0.9
"""Of the segment before."""
_LOOK_EVERY_SECONDS = 2.0
_PATIENCE_SECONDS = 30.0
_DRAIN_SECONDS = 1800.0
_MEMORY_GROWTH_PERCENT, _LATENCY_GROWTH_PERCENT = 10.0, 50.0
"""What still counts as flat. A minute's p99 on two shared cores scatters by a third from one to the next."""
_MEMORY_LIMIT_MB = 512.0
"""Of the container in deploy/k8s: an overloaded worker must stay below it."""
Result = dict[str, Any]


def capacity(stack: BenchStack, seconds: float) -> tuple[float, float]:
    """Events of one file a second that a worker takes while they are sent, and from a full topic.

    The second is higher where the sender and Kafka's writing share the worker's cores; what has to be sustained, and
    so what the soak takes its share of, is the first.
    """
    full = from_full_topic(stack, seconds)
    _say(f"from a full topic: {full:,.0f} events/s; now while they are sent")
    told = overload(stack, full, _SUSTAINED_SECONDS)
    return sustained(told["samples"], told["sending_seconds"]), full


def sustained(samples: list[Sample], sending_seconds: float) -> float:
    """Files a second that were stored during the last three quarters of the sending."""
    during = [sample for sample in samples if sending_seconds / 4 <= sample["seconds"] <= sending_seconds]
    if len(during) < 2:
        raise BenchError(f"{len(samples)} looks are too few to tell a rate from")
    first, last = during[0], during[-1]
    return (last["files"] - first["files"]) / (last["seconds"] - first["seconds"])


def from_full_topic(stack: BenchStack, seconds: float) -> float:
    """Events of one file a second that a worker takes from a topic that is full already."""
    rounds = throughput.run(
        stack, [cockpit()], rounds=2, window_seconds=seconds, events=int(25_000 * seconds), progress=_say
    )  # fmt: skip
    told = throughput.summary(rounds)
    if COCKPIT not in told:
        raise BenchError(rounds[0][COCKPIT]["problem"])
    return float(told[COCKPIT]["median"])


def soak(stack: BenchStack, rate: float, minutes: float) -> Result:
    """Send at a rate for so long; what the worker used meanwhile, and each segment's latency."""
    segments = max(1, round(minutes * 60 / _SEGMENT_SECONDS))
    count = int(rate * _SEGMENT_SECONDS)
    stack.empty_tables()
    with stack.topics() as prefix:
        topic, group, port = prefix + TOPIC, new_group(cockpit()), free_port()
        with running(stack, cockpit(METRICS_PORT=str(port)), prefix, group) as process:
            wait_until_ready(process, port)
            disturbance = Disturbance([*stack.pids, process.pid])
            with VitalSigns(stack, process, topic, 1, _LOOK_EVERY_SECONDS) as signs:
                told = _segments(stack, process, topic, rate, count, segments)
                drained = _drained_seconds(signs, process)
            others = disturbance.percent()
            process.stop()
        dead = sum(stack.end_offsets(topic + ".dlq"))
    result = {
        "rate": round(rate),
        "minutes": round(segments * _SEGMENT_SECONDS / 60, 1),
        "events": count * segments,
        "rows": stack.rows(),
        "dead": dead,
        "drained_seconds": drained,
        "segments": told,
        "signs": summary(signs.samples),
        "samples": signs.samples,
        "others_percent": others,
    }
    return {**result, "problems": _problems_of_soak(result)}


def _segments(
    stack: BenchStack, process: Running, topic: str, rate: float, count: int, segments: int
) -> list[dict[str, float]]:
    """Each begins exactly when the one before ends; while one is sent, the next is prepared."""
    lead = 3 + count * _PREPARING_SECONDS_AN_EVENT
    if lead > _SEGMENT_SECONDS:
        raise BenchError(
            f"{rate:,.0f} events/s: a segment takes {lead:.0f} s to prepare and {_SEGMENT_SECONDS:g} to send"
        )
    # Over the whole of the segment before: at once, on a slow machine, would take a core from what is measured.
    lead = max(lead, _PREPARED_WITHIN * _SEGMENT_SECONDS)
    start = monotonic() + lead
    waiting: list[tuple[Part, Part]] = []
    told = []
    try:
        for number in range(segments):
            begins = start + number * _SEGMENT_SECONDS
            while monotonic() < begins - lead:
                process.require_alive()
                sleep(0.2)
            waiting.append(_segment(stack, topic, rate, count, number, begins))
            if len(waiting) > 2:
                told.append(_told(*waiting.pop(0)))
                _say(f"minute {len(told)} of {segments}: {told[-1]}")
        while waiting:
            told.append(_told(*waiting.pop(0)))
            _say(f"minute {len(told)} of {segments}: {told[-1]}")
    finally:
        for part in (part for pair in waiting for part in pair):
            part.kill()
    return told


def _segment(stack: BenchStack, topic: str, rate: float, count: int, number: int, begins: float) -> tuple[Part, Part]:
    stride = max(1, round(rate / _SAMPLES_PER_SECOND / VIOLATING_EVERY)) * VIOLATING_EVERY
    base_us = int((time() + begins - monotonic()) * 1_000_000)
    load = replace(Load(base_us, 1_000_000 / rate), seed=SEED + 100 + number)
    shared = ["--load", as_argument(load), "--rate", str(rate), "--count", str(count), "--start-monotonic", str(begins)]
    return (
        started("benchmarks.load", "--bootstrap", stack.kafka_bootstrap, "--topic", topic, *shared),
        started(
            "benchmarks.observer", *shared, "--stride", str(stride), "--warm-up-seconds", "0",
            "--patience-seconds", str(_PATIENCE_SECONDS), BENCH_DATABASE_URL=stack.database_url,
        ),
    )  # fmt: skip


def _told(sender: Part, observer: Part) -> dict[str, float]:
    sent, observed = sender.told(), observer.told()
    kept = {name: round(observed[name], 1) for name in ("p50_ms", "p99_ms", "max_ms", "missing")}
    return {**kept, "sent": sent["sent"], "sender_late_ms": sent["late_max_ms"]}


def _drained_seconds(signs: VitalSigns, process: Running) -> float:
    """How long the worker needs to catch up once nothing more is sent; raises BenchError when it does not."""
    began = monotonic()
    while signs.take()["lag"] > 0:
        process.require_alive()
        if monotonic() - began > _DRAIN_SECONDS:
            raise BenchError(f"not drained within {_DRAIN_SECONDS:g} s")
        sleep(0.5)
    return round(monotonic() - began, 1)


def _problems_of_soak(told: Result) -> list[str]:
    found = _unaccounted(told)
    if (grown := told["signs"]["rss_mb"]["growth_percent"]) > _MEMORY_GROWTH_PERCENT:
        found.append(f"memory grew by {grown} %")
    if (grown := latency_growth_percent(told["segments"])) > _LATENCY_GROWTH_PERCENT:
        found.append(f"the median p99 of a minute grew by {grown} %")
    for name in ("descriptors", "connections"):
        middle, end = middle_and_end(told["samples"], name)
        if end > middle + 2:  # a pool may hold one more or less at the moment of a look
            found.append(f"{name} grew from {middle:g} to {end:g}")
    return found


def _unaccounted(told: Result) -> list[str]:
    found = []
    if told["rows"] != told["events"]:
        found.append(f"{told['rows']} rows of {told['events']} events")
    if told["dead"]:
        found.append(f"{told['dead']} dead letters")
    return found


def latency_growth_percent(segments: list[dict[str, float]]) -> float:
    """Between the medians of the minutes' p99 in the first half, without the first minute, and in the second half."""
    values = [segment["p99_ms"] for segment in segments][1:]
    if len(values) < 2:
        return 0.0
    half = len(values) // 2
    return round((median(values[half:]) / median(values[:half]) - 1) * 100, 1)


def overload(stack: BenchStack, rate: float, seconds: float) -> Result:
    """Send at a rate that no worker takes, and wait until it is all stored."""
    count = int(rate * seconds)
    stack.empty_tables()
    with stack.topics() as prefix:
        topic, group, port = prefix + TOPIC, new_group(cockpit()), free_port()
        with running(stack, cockpit(METRICS_PORT=str(port)), prefix, group) as process:
            wait_until_ready(process, port)
            begins = monotonic() + 5 + count * _PREPARING_SECONDS_AN_EVENT
            load = Load(int((time() + begins - monotonic()) * 1_000_000), 1_000_000 / rate)
            sender = started(
                "benchmarks.load", "--bootstrap", stack.kafka_bootstrap, "--topic", topic, "--load", as_argument(load),
                "--rate", str(rate), "--count", str(count), "--start-monotonic", str(begins),
            )  # fmt: skip
            try:
                _say(f"preparing {count:,} events")
                while monotonic() < begins:
                    sender.require_alive()
                    sleep(0.2)
                with VitalSigns(stack, process, topic, 1, _LOOK_EVERY_SECONDS / 2) as signs:
                    sent = sender.told()
                    at_its_end = signs.take()
                    _say(f"sent: {sent}; waiting for {at_its_end['lag']:,.0f} events")
                    drained = _drained_seconds(signs, process)
            finally:
                sender.kill()
            process.stop()
        dead = sum(stack.end_offsets(topic + ".dlq"))
    result = {
        "rate": round(rate),
        "sent_per_second": round(count / sent["seconds"]),
        "sending_seconds": sent["seconds"],
        "events": count,
        "rows": stack.rows(),
        "dead": dead,
        "lag_at_the_end_of_sending": at_its_end["lag"],
        "drained_seconds": drained,
        "signs": summary(signs.samples),
        "samples": signs.samples,
    }
    problems = _unaccounted(result)
    if (most := result["signs"]["rss_mb"]["most"]) > _MEMORY_LIMIT_MB:
        problems.append(f"{most} MB of memory")
    return {**result, "problems": problems}


def page(document: dict[str, Any]) -> str:
    """The tables and pictures as Markdown."""
    soaked, over = document["series"].get("soak"), document["series"].get("overload")
    others = (soaked or {}).get("others_percent", 0.0)
    parts = [
        reliability_page.origin(document, others if others > LOUD_PERCENT else None),
        f"Capacity: {document['capacity']:,.0f} events of one file a second while they are sent"
        + (f", {full:,.0f} from a full topic." if (full := document.get("capacity_full_topic")) else "."),
    ]
    if soaked:
        parts += [_table_of_soak(soaked), "![Soak](images/reliability-soak.svg)"]
    if over:
        parts += [_table_of_overload(over), "![Overload](images/reliability-overload.svg)"]
    return "\n\n".join(parts)


def _table_of_soak(told: Result) -> str:
    signs, segments = told["signs"], told["segments"]
    p99 = [segment["p99_ms"] for segment in segments]
    rows = [
        ["sent", f"{told['events']:,} events in {told['minutes']:g} min at {told['rate']:,}/s"],
        ["stored, dead letters", f"{told['rows']:,}, {told['dead']}"],
        ["p99 of a minute, to the committed row", f"median {median(p99):.0f} ms, {min(p99):.0f} to {max(p99):.0f};"
         f" {latency_growth_percent(segments):+g} % from the first half to the second"],
        ["memory", f"{signs['rss_mb']['least']:.0f} to {signs['rss_mb']['most']:.0f} MB;"
         f" {signs['rss_mb']['growth_percent']:+g} % from the second fifth to the last"],
        ["file descriptors", f"{signs['descriptors']['least']:g} to {signs['descriptors']['most']:g}"],
        ["connections to the database, the observers' included",
         f"{signs['connections']['least']:g} to {signs['connections']['most']:g}"],
        ["lag", f"at most {signs['lag']['most']:,.0f} events; 0 {told['drained_seconds']:g} s after the last"],
        ["outcome", "; ".join(told["problems"]) or "flat, all accounted for"],
    ]  # fmt: skip
    return reliability_page.markdown_table([f"soak at {SHARE:.0%} of capacity", ""], rows)


def _table_of_overload(told: Result) -> str:
    rows = [
        ["sent", f"{told['events']:,} events in {told['sending_seconds']:.0f} s: {told['sent_per_second']:,}/s"],
        ["stored, dead letters", f"{told['rows']:,}, {told['dead']}"],
        ["lag when the sending ended", f"{told['lag_at_the_end_of_sending']:,.0f} events"],
        ["drained after", f"{told['drained_seconds']:,.0f} s"],
        ["memory", f"at most {told['signs']['rss_mb']['most']:.0f} MB"],
        ["outcome", "; ".join(told["problems"]) or "nothing dropped, memory bounded, drained"],
    ]
    return reliability_page.markdown_table([f"overload at {OVERLOAD_FACTOR:g} x capacity", ""], rows)


def main() -> int:
    """0 when nothing was lost and nothing grew."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of the soak; 10 by night, 0: no soak")
    parser.add_argument("--overload-seconds", type=float, default=120.0, help="0: no overload")
    parser.add_argument("--capacity", type=float, default=0.0, help="events a second; measured unless given")
    parser.add_argument("--json", type=Path, metavar="FILE", help="what was measured, after each part")
    parser.add_argument(
        "--base", type=Path, metavar="FILE", help="the JSON of an earlier run, for the parts left out now"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=CHECKOUT / "build" / "soak", help="for the pictures")
    parser.add_argument("--docs", action="store_true", help="write docs/reliability.md and its pictures")
    given = parser.parse_args()
    reliability_page.prepare_process()
    document = new_document(" ".join(["scripts/soak", *sys.argv[1:]]))
    if given.base is not None:
        _add_base(document, json.loads(given.base.read_text()))
    if given.minutes or given.overload_seconds:
        with running_stack(_say) as stack:
            _measure(stack, given, document)
    given.out.mkdir(parents=True, exist_ok=True)
    pictures = charts.draw(document, given.out)
    written = page(document)
    print(written)
    if given.docs:
        reliability_page.write("load", written)
        reliability_page.add_pictures(pictures)
    return 1 if any(told["problems"] for told in document["series"].values()) else 0


def _measure(stack: BenchStack, given: argparse.Namespace, document: dict[str, Any]) -> None:
    if given.capacity:
        document["capacity"] = given.capacity
    else:
        document["capacity"], document["capacity_full_topic"] = capacity(stack, 12.0)
    most = document["capacity"]
    _say(f"capacity: {most:,.0f} events/s")
    if given.minutes:
        document["series"]["soak"] = soak(stack, most * SHARE, given.minutes)
        _keep(document, given.json)
    if given.overload_seconds:
        document["series"]["overload"] = overload(stack, most * OVERLOAD_FACTOR, given.overload_seconds)
        _keep(document, given.json)


def _add_base(document: dict[str, Any], base: dict[str, Any]) -> None:
    """What an earlier run measured, under the commands and revisions of both."""
    for name in ("command", "git_revision"):
        told = dict.fromkeys([*base[name].split(", then "), document[name]])
        document[name] = ", then ".join(told)
    document["series"] = base["series"] | document["series"]
    document |= {name: value for name, value in base.items() if name not in document}


def _keep(document: dict[str, Any], path: Path | None) -> None:
    if path is not None:
        path.write_text(json.dumps(document, indent=1) + "\n")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
