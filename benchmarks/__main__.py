"""`python -m benchmarks`: servers ─► sections, one after the other ─► table, JSON, charts ─► everything stopped."""

import argparse
import json
import os
import shlex
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from benchmarks import charts, documentation, report
from benchmarks.sections import SECTIONS, Run
from benchmarks.stack import CHECKOUT, BenchError, running_stack
from streams.errors import UserError
from streams.settings import PREFIX

_TELL_AGAIN_SECONDS = 30.0


class Progress:
    """One line a step on stderr, rewritten where that is a terminal."""

    def __init__(self) -> None:
        self.section = ""
        self._started = monotonic()
        self._rewrites = sys.stderr.isatty()
        self._last = ""
        self._told = 0.0

    def __call__(self, text: str) -> None:
        line = f"{monotonic() - self._started:6.0f} s  {self.section}: {text}" if self.section else f"          {text}"
        if self._rewrites:
            print(f"\r\x1b[2K{line[:150]}", end="", file=sys.stderr, flush=True)
        elif _step(line) != _step(self._last) or monotonic() - self._told > _TELL_AGAIN_SECONDS:
            print(line, file=sys.stderr, flush=True)
            self._told = monotonic()
        self._last = line

    def end(self) -> None:
        if self._rewrites and self._last:
            print(file=sys.stderr)


def _step(line: str) -> str:
    """A line without its numbers: of lines that count, a file gets the first, and then one from time to time."""
    return "".join(character for character in line[10:] if not character.isdigit() and character not in ",.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="try everything out in under 3 minutes; no real numbers")
    parser.add_argument("--only", nargs="+", choices=tuple(SECTIONS), metavar="NAME", help=", ".join(SECTIONS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    parser.add_argument("--out", type=Path, metavar="DIR", default=CHECKOUT / "build" / "bench", help="for the charts")
    parser.add_argument("--docs", action="store_true", help="write docs/performance.md and its pictures")
    parser.add_argument("--base", type=Path, metavar="FILE",
                        help="the JSON of an earlier run, for all that is not measured now")  # fmt: skip
    parser.add_argument("--nothing", action="store_true", help="measure nothing: report --base")
    parser.add_argument("--contestants", nargs="+", default=(), metavar="NAME", help="compare these only")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of throughput and latency (3)")
    parser.add_argument("--set", nargs="+", default=(), metavar="NAME=VALUE", dest="settings",
                        help="settings of the product, by their names after COCKPIT_")  # fmt: skip
    given = parser.parse_args()
    if given.quick and given.docs:
        parser.error("--docs: the numbers of --quick are none to be written down")
    if given.nothing and given.base is None:
        parser.error("--nothing: needs --base FILE")
    return given


def main() -> int:
    """0 when everything could be measured; the numbers may be what they are."""
    given = _arguments()
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        print(f"bench: {name} is set; the benchmark has servers of its own and does not use it", file=sys.stderr)
        del os.environ[name]
    # Whoever ends the harness ends its servers and contestants: both come out of `finally`.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    progress = Progress()
    try:
        document = _document(given)
        if not given.nothing:
            _measure(given, document, progress)
    except KeyboardInterrupt:
        progress.end()
        print("bench: interrupted", file=sys.stderr)
        return 130
    except (BenchError, UserError) as error:
        progress.end()
        print(f"bench: {error}", file=sys.stderr)
        return 1
    _hand_over(given, document)
    return 1 if document["problems"] else 0


def _document(given: argparse.Namespace) -> dict[str, Any]:
    document = report.new_document(" ".join(["scripts/bench", *(shlex.quote(word) for word in sys.argv[1:])]))
    if given.base is not None:
        before = json.loads(given.base.read_text())
        kept = ("measurements", "series", "sections") if not given.nothing else tuple(before)
        document |= {name: before[name] for name in kept}
        for row in document["measurements"]:
            row |= report.judged(report.measurements(document)[row["key"]])
    return document


def _measure(given: argparse.Namespace, document: dict[str, Any], progress: Progress) -> None:
    with running_stack(progress) as stack:
        report.add_servers(document, stack)
        settings = dict(setting.split("=", 1) for setting in given.settings)
        run = Run(stack, given.quick, progress, given.contestants, given.rounds, settings)
        for name in given.only or SECTIONS:
            progress.section, started = name, datetime.now(UTC)
            try:
                measured, series = SECTIONS[name](run)
            except BenchError as error:  # the others are worth their time all the same
                run.problems.append(f"{name}: {error}")
                continue
            report.add_section(document, name, started, measured, series)
            if given.json is not None:
                _write(given.json, document)
        progress.section = ""
        progress("stopping the servers")
    progress.end()
    document["problems"] = run.problems
    document["others_percent"] = max(run.disturbed, default=None)


def _hand_over(given: argparse.Namespace, document: dict[str, Any]) -> None:
    # Where it is no terminal, a line is as long as the table wants.
    report.print_table(document, Console(width=None if sys.stdout.isatty() else 140))
    if given.json is not None:
        _write(given.json, document)
    given.out.mkdir(parents=True, exist_ok=True)
    pictures = charts.draw(document, given.out)
    if given.docs:
        documentation.write(document, pictures, CHECKOUT / "docs")


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
