"""The report: what went in, what became of it, what was found, and how fast. Everything from outside is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo.objectives import Objective
from demo.outcome import FATES, BrokenStandard, Found, Outcome
from streams.kafka.topics import INPUTS
from streams.times import EPOCH

_STANDARDS = 12
_FAILING_CHECKS = 4
_VALUE_CHARACTERS = 60
_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}

Cell = str | Text


def show(
    console: Console, outcome: Outcome, objectives: Sequence[Objective], scratch: str, wall_seconds: float
) -> None:
    """Print every section."""
    sections: list[tuple[str, RenderableType]] = [
        ("Events in", _events(outcome)),
        ("Rows written", _rows(outcome)),
        ("Violations by standard", _violations(outcome, scratch)),
        ("Tampered files: done and found", _tampering(outcome.found, scratch)),
        ("Drift alerts", _alerts(outcome.alerts)),
        ("Verdicts", _verdicts(outcome.verdicts)),
        ("Dead letters", _dead_letters(outcome.dead_letters)),
        ("Latency objectives", _objectives(objectives)),
    ]
    for title, body in sections:
        console.print()
        console.rule(f"[bold]{title}[/]", align="left")
        console.print(body)
    console.print()
    console.print(f"Wall time: {wall_seconds:.1f} s")


def _events(outcome: Outcome) -> RenderableType:
    table = _table("topic", "sent", *FATES, "accounted for")
    for topic in INPUTS:
        fates = [outcome.fates[topic, fate] for fate in FATES]
        sent = outcome.sent.get(topic, 0)
        table.add_row(Text(topic), str(sent), *map(str, fates), _mark(sum(fates) == sent))
    total = sum(outcome.sent.values())
    counted = sum(outcome.fates.values())
    table.add_section()
    table.add_row("all", str(total), *(str(_total(outcome, fate)) for fate in FATES), _mark(counted == total))
    return table


def _total(outcome: Outcome, fate: str) -> int:
    return sum(count for (_, kind), count in outcome.fates.items() if kind == fate)


def _rows(outcome: Outcome) -> RenderableType:
    table = _table("table", "new rows")
    for name, count in outcome.rows.items():
        if name != "outbox":
            table.add_row(name, f"{count:,}")
    left = outcome.rows["outbox"]
    note = "empty: everything that was decided is announced" if not left else f"{left} packages are being forgotten"
    return Group(table, Text(f"outbox: {note}", style="dim"))


def _violations(outcome: Outcome, scratch: str) -> RenderableType:
    table = _table("standard", "category", "severity", "count", "for example")
    for standard in outcome.broken[:_STANDARDS]:
        table.add_row(
            Text(standard.code),
            Text(standard.category),
            Text(standard.severity, style=_COLOURS.get(standard.severity, "")),
            str(standard.count),
            _examples(standard, scratch),
        )
    notes = [f"{outcome.measured_violations:,} more belong to the events that were sent to be measured"]
    if len(outcome.broken) > _STANDARDS:
        notes.insert(0, f"{len(outcome.broken) - _STANDARDS} more standards were broken")
    return Group(table, Text("; ".join(notes), style="dim"))


def _examples(standard: BrokenStandard, scratch: str) -> Text:
    lines = []
    for subject, observed in standard.examples:
        shown = _printable(_short(subject, scratch))
        # A rule about the path observes the path, which need not be said twice.
        lines.append(shown if observed is None or subject.endswith(observed) else f"{shown}: {_clipped(observed)}")
    return Text("\n".join(lines), overflow="fold")


def _tampering(found: Iterable[Found], scratch: str) -> RenderableType:
    table = _table("file", "what was done", "mtime in the kernel", "found", "by")
    for one in found:
        how, by = one.tampering.how, ", ".join(one.codes)
        if not one.codes and one.tampering.expected is None:
            by = "not covered by the rules of this version"
        mark = _mark(one.as_expected) if one.codes or one.tampering.expected else Text("-", style="yellow")
        table.add_row(
            Text(str(one.tampering.path.relative_to(scratch)), no_wrap=True),
            Text(how),
            Text(_instant(one.tampering.mtime_ns), no_wrap=True),
            mark,
            Text(by),
        )
    return table


def _instant(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as a person reads them, to the microsecond; before 1970 too."""
    seconds, fraction = divmod(nanoseconds, 10**9)
    return f"{EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}" + (f".{fraction // 1000:06d}" if fraction else "")


def _alerts(alerts: Iterable[Mapping[str, Any]]) -> RenderableType:
    table = _table("state", "severity", "clock", "offset", "text")
    for alert in sorted(alerts, key=lambda alert: (alert["starts_at"], alert["state"])):
        firing = alert["state"] == "firing"
        table.add_row(
            Text(alert["state"], style="red" if firing else "green"),
            Text(alert["severity"]),
            Text(_printable(f"{alert['component_name']} ({alert['protocol']})")),
            f"{alert['offset_microseconds'] / 1000:+.3f} ms",
            Text(_printable(alert["text"])),
        )
    return table if table.row_count else Text("none")


def _verdicts(verdicts: Iterable[Mapping[str, Any]]) -> RenderableType:
    table = _table("submission", "documents", "verdict", "reason", "failing checks")
    for verdict in verdicts:
        accepted = verdict["verdict"] == "accepted"
        table.add_row(
            Text(verdict["submission_id"]),
            str(len(verdict["items"]) or "-"),
            Text(verdict["verdict"], style="green" if accepted else "red"),
            Text(verdict["reason"]),
            _failing(verdict),
        )
    return table if table.row_count else Text("none")


def _failing(verdict: Mapping[str, Any]) -> Text:
    lines = [
        f"{check['standard_code']} {item['path']}: {_of_field(check)}"
        for item in verdict["items"]
        for check in item["checks"]
        if check["status"] == "fail"
    ]
    more = [f"and {len(lines) - _FAILING_CHECKS} more"] if len(lines) > _FAILING_CHECKS else []
    return Text("\n".join([*map(_printable, lines[:_FAILING_CHECKS]), *more]))


def _of_field(check: Mapping[str, Any]) -> str:
    observed = check["observed"]
    return f"{check['field']} " + ("is missing" if observed is None else f"is {_clipped(observed)!r}")


def _dead_letters(reasons: Mapping[tuple[str, str], int]) -> RenderableType:
    table = _table("reason", "topic", "records")
    for (topic, reason), count in sorted(reasons.items(), key=lambda item: (item[0][1], item[0][0])):
        table.add_row(Text(reason), Text(f"{topic}.dlq"), str(count))
    return table if table.row_count else Text("none")


def _objectives(objectives: Iterable[Objective]) -> RenderableType:
    table = _table("objective", "target", "p99 here", "", "samples", "measured how")
    for one in objectives:
        table.add_row(one.name, one.target, one.measured, _mark(one.met), f"{one.samples:,}", one.how)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    numbers = {"sent", *FATES, "count", "new rows", "records", "samples", "documents", "target", "p99 here", "offset"}
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table


def _mark(good: bool) -> Text:
    return Text("✓", style="green") if good else Text("✗", style="bold red")


def _short(subject: str, scratch: str) -> str:
    return subject.replace(scratch, "scratch")


def _clipped(value: str) -> str:
    shown = _printable(value)
    return shown if len(shown) <= _VALUE_CHARACTERS else f"{shown[:_VALUE_CHARACTERS]}…"


def _printable(line: str) -> str:
    """A value on one line: no control character of it reaches the terminal."""
    return line if line.isprintable() else ascii(line)[1:-1]
