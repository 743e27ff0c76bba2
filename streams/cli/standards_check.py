"""`cockpit standards lint` and `test`: find out what is wrong with a rule before it is live."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import typer

from streams.cli.standards_registry import known_versions, read, version_of
from streams.cli.terminal import plain
from streams.errors import UserError
from streams.judges.trials import Trial, trials_of_lines
from streams.standards.catalog import load_yaml
from streams.standards.fields import canonical_field, path_field
from streams.standards.lint import LintMessage, field_values, lint, passes
from streams.standards.matching import CheckResult, Matcher
from streams.standards.patterns import compile_expression
from streams.standards.planning import head, on_trial
from streams.standards.ruleset import require_evaluable
from streams.standards.standard import RulesetError, Standard
from streams.store import standards as store
from streams.store.stored_events import newest_trials

_FILE_BYTES = 64 << 20
_SHOWN_FAILURES = 20


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("lint")(lint_standards)
    group.command("test")(try_command)


def lint_standards(
    files: list[Path] = typer.Argument(None, help="YAML files; without any, the registry is checked."),
) -> None:
    """Check standards and say what is wrong with them; exit 1 when something must not be applied."""
    standards = _standards_of(files) if files else asyncio.run(_registered())
    messages = print_lint(standards)
    errors = sum(message.level == "error" for message in messages)
    typer.echo(f"{len(standards)} standards, {errors} errors, {len(messages) - errors} warnings")
    if errors:
        raise typer.Exit(1)


def print_lint(standards: Iterable[Standard]) -> list[LintMessage]:
    """Print all remarks, one a line, and return them."""
    messages = [message for standard in standards for message in lint(standard)]
    for message in messages:
        typer.echo(plain(f"{message.level}: {message.code}: {message.text}"))
    return messages


def try_command(
    code: str | None = typer.Argument(None, help="One standard; without it, the samples of all are run."),
    value: list[str] = typer.Option([], help="A value of the standard's field; may be repeated."),
    path: str | None = typer.Option(None, help="The path for path_glob, which is left aside without one."),
    file: Path | None = typer.Option(None, help="Take the standards from this YAML file, not the registry."),
    version: int | None = typer.Option(None, help="Another version than the one that counts."),
    values: Path | None = typer.Option(None, help="A text file: one value of the field a line."),
    events: Path | None = typer.Option(None, help="A file of events as they are published, one JSON object a line."),
    last: int | None = typer.Option(
        None, min=1, max=1_000_000, help="The newest so many stored files, readings or documents."
    ),
) -> None:
    """Hold samples, values, a file or stored events against standards; exit 1 when one does not do as it should."""
    options = {"--value": value or None, "--values": values, "--events": events, "--last": last, "--version": version}
    given = [name for name, option in options.items() if option is not None]
    if code is None and given:
        raise UserError(f"{given[0]}: name the standard that it is held against")
    if len(set(given) - {"--version"}) > 1:
        raise UserError(f"{given[1]}: does not go with {given[0]}: give one of them")
    standards = _chosen(code, file, version)
    first = standards[0] if standards else None
    if first is not None and last is not None:
        failed = _test_trials(
            first, asyncio.run(read(lambda database: newest_trials(database, first.applies_to, last)))
        )
    elif first is not None and events is not None:
        failed = _test_trials(first, trials_of_lines(first.applies_to, _lines(events), str(events)))
    elif first is not None and (value or values):
        failed = _test_values(first, _lines(values) if values else value, path)
    else:
        failed = _test_samples(standards)
    if failed:
        raise typer.Exit(1)


def _chosen(code: str | None, file: Path | None, version: int | None) -> list[Standard]:
    if code is not None and file is None:
        known = asyncio.run(read(lambda database: known_versions(database, code)))
        standards = [head(known) if version is None else version_of(known, version)]
    else:
        standards = _standards_of([file]) if file else asyncio.run(_registered())
    chosen = [s for s in standards if s.kind == "regex" and code in (None, s.code)]
    if code is not None and not chosen:
        raise UserError(f"standard {code}: there is no regex standard with this code")
    return chosen


def _standards_of(paths: Iterable[Path]) -> list[Standard]:
    return [spec.to_standard() for path in paths for spec in load_yaml(path)]


async def _registered() -> list[Standard]:
    """What metadata_standards shows, and what is on trial beside it."""
    heads, versions = await read(store.load_standards), await read(store.load_versions)
    shown = {(standard.code, standard.version) for standard in heads}
    beside = (on_trial(known) for known in versions.values())
    return [*heads, *(s for s in beside if s is not None and (s.code, s.version) not in shown)]


def _lines(path: Path | None) -> Iterator[str]:
    assert path is not None
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES + 1)
        if len(content) > _FILE_BYTES:
            raise UserError(f"{path}: is larger than {_FILE_BYTES >> 20} MiB: take a part of it")
        text = content.decode().removesuffix("\n")
        yield from (line.removesuffix("\r") for line in text.split("\n") if content)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error.__class__.__name__}: {error}") from None


def _test_values(standard: Standard, values: Iterable[str], path: str | None) -> int:
    require_evaluable(standard)
    if path is None and canonical_field(standard.applies_to, standard.field) != path_field(standard.applies_to):
        standard = replace(standard, path_glob=None)  # a value by itself has no path
    matcher = Matcher(standard.applies_to, [standard])
    failed = 0
    for value in values:
        fields = field_values(standard, value)
        where = path if path is not None else fields.get(path_field(standard.applies_to) or "")
        for result in matcher.check(fields, where):
            failed += result.status == "fail"
            typer.echo(_line(result))
    return failed


def _line(result: CheckResult) -> str:
    return plain(f"{result.status}: {result.standard.code}: {result.message}")


def _test_trials(standard: Standard, trials: Iterable[Trial]) -> int:
    require_evaluable(standard)
    matcher = Matcher(standard.applies_to, [standard])
    counts = {"pass": 0, "fail": 0, "not_applicable": 0}
    for trial in trials:
        for result in matcher.check(trial.values, trial.path):
            counts[result.status] += 1
            if result.status == "fail" and counts["fail"] <= _SHOWN_FAILURES:
                typer.echo(f"{_line(result)}  ({plain(trial.subject)})")
    if counts["fail"] > _SHOWN_FAILURES:
        typer.echo(f"... and {counts['fail'] - _SHOWN_FAILURES} more")
    typer.echo(
        f"{standard.code} v{standard.version}: {sum(counts.values())} judged: {counts['pass']} pass,"
        f" {counts['fail']} fail, {counts['not_applicable']} not applicable"
    )
    return counts["fail"]


def _test_samples(standards: Iterable[Standard]) -> int:
    wrong = total = 0
    for standard in standards:
        try:
            require_evaluable(standard)
        except RulesetError as error:
            typer.echo(plain(f"wrong: {error}"))
            wrong += 1
            continue
        compiled = compile_expression(standard.pattern, standard.matching)
        expected = [(text, True) for text in standard.samples.positive]
        expected += [(text, False) for text in standard.samples.negative]
        total += len(expected)
        for text, should_pass in expected:
            if passes(standard, compiled, text) is not should_pass:
                wrong += 1
                typer.echo(plain(f"wrong: {standard.code}: {text!r} {'is refused' if should_pass else 'passes'}"))
    typer.echo(f"{total} samples, {wrong} wrong")
    return wrong
