"""What an enemy wrote into paths, names and metadata is data in every output, and nothing else anywhere.

Every event of the run (`secured_run.py`) was hostile in every field; here is what came out at the other ends.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from schemas.verdicts import Verdict
from streams.cli.compliance_chart import compliance_png
from streams.cli.submit import show_verdict
from streams.cli.terminal import cell, console, inline, json_text
from streams.local.mariadb import connect
from streams.observability import metrics
from streams.observability.clock_gauges import ClockGauges
from tests.security import hostile
from tests.security.commands import Told
from tests.security.conftest import Cockpit
from tests.security.secured_run import Run

_SGR = re.compile(r"\x1b\[[0-9;]*m")
Asked = Callable[..., Told]


@pytest.fixture
def asked(secured_run: Run, cockpit: Cockpit) -> Asked:
    """Runs a command as a person who looks at the run; a pipe of 250 columns, or a terminal."""

    def run(*arguments: str, role: str = "reader", terminal: bool = False, codes: tuple[int, ...] = (0,)) -> Told:
        environment = secured_run.environment(role=role)
        said = cockpit({**environment}, *arguments, terminal=terminal)
        assert said.code in codes, said
        return said

    return run


def _is_harmless(text: str, terminal: bool = False) -> None:
    """A terminal obeys nothing of it but, where we colour it, our own colours."""
    assert hostile.acting(_SGR.sub("", text) if terminal else text) == []


@pytest.fixture(scope="module")
def fingerprints(secured_run: Run) -> dict[str, str]:
    """An incident of each kind of event."""
    found = {}
    with connect(secured_run.users.url("reader")) as connection, connection.cursor() as cursor:
        for kind in ("filesystem", "clock", "submission"):
            cursor.execute(
                "SELECT i.fingerprint FROM violation_incidents i JOIN metadata_standards s ON s.id = i.standard_id"
                " WHERE s.applies_to = %s ORDER BY i.occurrences DESC LIMIT 1",
                (kind,),
            )
            row: Any = cursor.fetchone()
            found[kind] = row[0]
    return found


# --- SQL


def test_the_database_holds_what_was_written_and_nothing_less(secured_run: Run) -> None:
    with connect(secured_run.users.url("reader")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT host, platform, filesystem_type FROM filesystem_timestamps")
        assert cursor.fetchall() == ((hostile.HOST, hostile.MARKUP, hostile.FORMULA),)
        cursor.execute("SELECT DISTINCT file_path FROM filesystem_timestamps")
        assert {row[0] for row in cursor.fetchall()} == {hostile.PATH, "=1+1", f"@{hostile.LINE}"}
        cursor.execute("SELECT DISTINCT component_name FROM clock_states")
        assert cursor.fetchall() == ((hostile.COMPONENT,),)
        cursor.execute("SELECT DISTINCT submission_id, submitter FROM submissions")
        assert cursor.fetchall() == ((hostile.SUBMISSION, hostile.SUBMITTER),)
        cursor.execute("SELECT subject FROM metadata_violations")
        assert f"{hostile.HOST}:{hostile.PATH}" in {row[0] for row in cursor.fetchall()}


def test_what_a_person_asks_for_is_no_sql_either(asked: Asked) -> None:
    """A pattern of LIKE means itself, and a quote ends nothing."""

    def rows(*command: str) -> list[dict[str, Any]]:
        text = asked(*command).output
        return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]

    for text in (hostile.SQL, "%", "\\", "' OR '1'='1"):
        found = rows("violations", "list", "--subject", text, "--limit", "1000", "--json")
        assert bool(found) is (text != "' OR '1'='1")
        assert all(text in row["subject"] for row in found), text
        assert rows("report", "files", f"{text}/", "--format", "json") == []
    text = hostile.SQL
    assert rows("violations", "list", "--rows", "--standard", text, "--json") == []
    assert rows("report", "files", text, "--format", "json") == []
    assert rows("standards", "list", "--category", text, "--json") == []
    for command in (("violations", "show"), ("violations", "explain"), ("clock", "status"), ("standards", "show")):
        asked(*command, text, codes=(2,))
    found = rows("report", "files", f"/srv/{hostile.FORMULA}/", "--format", "json")
    assert {row["file_path"] for row in found} == {hostile.PATH}


# --- terminals, as tables and as text


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize(
    "command",
    [
        ("violations", "list", "--limit", "1000"),
        ("violations", "list", "--rows", "--limit", "1000"),
        ("violations", "waivers", "--all"),
        ("report", "compliance"),
        ("report", "standards"),
        ("report", "files", hostile.PATH),
        ("report", "files", f"/srv/{hostile.FORMULA}/"),
        ("report", "slo"),
        ("clock", "status"),
        ("clock", "status", hostile.COMPONENT),
        ("standards", "list"),
        ("standards", "history"),
        ("standards", "test", "FS-PATH-001", "--last", "100"),
        ("standards", "test", "FS-PATH-001", "--value", hostile.PATH),
        ("standards", "replay", "--all", "--since", "1d", "--dry-run"),
        ("dlq", "list"),
        ("topics", "list"),
        ("topics", "acls"),
        ("users", "grants"),
    ],
    ids=lambda command: " ".join(command)[:30].encode("ascii", "replace").decode(),
)
def test_no_output_acts_on_a_terminal(command: tuple[str, ...], terminal: bool, asked: Asked) -> None:
    # `replay` numbers the set of rules, which the reader may not; its dry run needs the worker's user.
    said = asked(*command, role="worker" if command[1] == "replay" else "reader", terminal=terminal, codes=(0, 1))
    assert said.output
    _is_harmless(said.output + said.errors, terminal)
    assert "\N{BOMB}" not in said.output


def test_incidents_are_shown_and_explained_as_they_are(asked: Asked, fingerprints: dict[str, str]) -> None:
    for kind, fingerprint in fingerprints.items():
        for command in ("show", "explain"):
            said = asked("violations", command, fingerprint)
            _is_harmless(said.output)
            assert not re.search(r"^forged", said.output, re.MULTILINE), kind
        shown = asked("violations", "show", fingerprint, "--json")
        _is_harmless(shown.output)
        subject = json.loads(shown.output)["incident"]["subject"]
        assert subject in (hostile.COMPONENT, hostile.DOCUMENT) or subject.startswith(hostile.HOST)


def test_what_a_person_decides_is_shown_as_it_is(asked: Asked, fingerprints: dict[str, str]) -> None:
    reason = f"{hostile.FORMULA} {hostile.MARKUP} {hostile.SQL}"
    said = asked("violations", "ack", fingerprints["filesystem"], "--reason", reason, role="worker")
    _is_harmless(said.output)
    glob = f"{hostile.HOST[:20]}**"
    arguments = ("--subject-glob", glob, "--until", "2030-01-01", "--owner", hostile.MARKUP, "--reason", reason)
    _is_harmless(asked("violations", "waive", *arguments, role="worker").output)
    table = asked("violations", "waivers")
    _is_harmless(table.output)
    assert reason[:8] in table.output
    listed = json.loads(asked("violations", "waivers", "--json").output)
    assert (listed["owner"], listed["reason"]) == (hostile.MARKUP, " ".join(reason.split()))


def test_dead_letters_are_shown_as_they_are(secured_run: Run, asked: Asked) -> None:
    # Other tests have dead letters on this broker, too.
    letters = [letter for letter in secured_run.of_topic("clock-sync.v1.dlq") if "x-\x1b[31m" in dict(letter.headers)]
    assert letters
    for letter in letters[:3]:
        said = asked("dlq", "show", "clock-sync.v1", str(letter.partition), str(letter.offset))
        _is_harmless(said.output)
        headers, _, _ = said.output.partition("\nkey: ")
        assert "x-\\x1b[31m: \\x1b]0;owned\\x07" in headers
        assert re.search(r"^dlq\.reason: (invalid|invalid_json)$", headers, re.MULTILINE)
    places = {(letter.partition, letter.offset) for letter in letters}
    listed = [json.loads(line) for line in asked("dlq", "list", "clock-sync.v1", "--json").output.splitlines()]
    assert {one["stage"] for one in listed if (one["partition"], one["offset"]) in places} == {"decode"}


@pytest.mark.parametrize("verbose", [False, True])
def test_a_verdict_is_shown_as_it_is(secured_run: Run, verbose: bool, capsys: pytest.CaptureFixture[str]) -> None:
    # Other tests have verdicts on this broker, too.
    every = [Verdict.model_validate_json(record.value) for record in secured_run.of_topic("verdicts.v1")]
    verdicts = [verdict for verdict in every if verdict.submission_id == hostile.SUBMISSION]
    assert {item.path for verdict in verdicts for item in verdict.items} == {hostile.DOCUMENT}
    for verdict in verdicts:
        show_verdict(verdict, verbose)
        shown = capsys.readouterr().out
        _is_harmless(shown)
        assert hostile.MARKUP in shown
        failed = [check for item in verdict.items for check in item.checks if check.status == "fail"]
        assert len(failed) > 3
        assert shown.count("\n    fail ") == len(failed)


def test_markup_is_text_whatever_surrounds_it() -> None:
    links = ("[link=https://evil.example]x[/link]", "[@click=x]y")
    for text in ("[red]x", "[/]", "x\\", "x\\\\", "x\\\\\\", "\\[red]", ":bomb:", *links):
        file = io.StringIO()
        screen = console(width=100, force_terminal=True, color_system=None, file=file)
        screen.print(f"[bold]{inline(text)}:[/bold]", highlight=False, soft_wrap=True)
        screen.print(cell(text), highlight=False, soft_wrap=True)
        assert file.getvalue() == f"{text}:\n{text}\n", text


def test_json_for_a_terminal_is_the_same_json() -> None:
    value = {hostile.TERMINAL: [hostile.LINE, hostile.PATH, "\U000e0001\U0001f4a3 é"]}
    raw = json.dumps(value, ensure_ascii=False, indent=1)
    assert json.loads(json_text(raw)) == value
    assert hostile.acting(json_text(raw)) == []


def test_a_file_name_is_captured_as_it_is(asked: Asked, tmp_path: Path) -> None:
    name = f"=1+1{hostile.MARKUP.replace('/', '_')}{hostile.TERMINAL}\n\x1b[2J"
    (tmp_path / name).write_text("x")
    said = asked("capture", str(tmp_path), "--dry-run", "--no-git", "--host", hostile.HOST)
    _is_harmless(said.output + said.errors)
    (event,) = [json.loads(line) for line in said.output.splitlines()]
    assert [Path(file["file_path"]).name for file in event["files"]] == [name]


# --- JSON and CSV


@pytest.mark.parametrize(
    "command",
    [
        ("violations", "list", "--json"),
        ("violations", "list", "--rows", "--json"),
        ("report", "compliance", "--format", "json"),
        ("report", "standards", "--format", "json"),
        ("report", "files", f"/srv/{hostile.FORMULA}/", "--format", "json"),
        ("report", "slo", "--json"),
        ("clock", "status", "--json"),
        ("standards", "list", "--json"),
        ("standards", "show", "FS-PATH-001", "--json"),
        ("standards", "history", "--json"),
        ("topics", "acls", "--json"),
    ],
    ids=lambda command: " ".join(command)[:30].encode("ascii", "replace").decode(),
)
def test_json_is_json_and_harmless(command: tuple[str, ...], asked: Asked) -> None:
    text = asked(*command, codes=(0, 1)).output
    _is_harmless(text)
    documents = (
        [json.loads(text)] if text.startswith(("[", "{\n")) else [json.loads(line) for line in text.splitlines()]
    )
    assert documents


@pytest.mark.parametrize("command", [("files", f"/srv/{hostile.FORMULA}/"), ("standards",), ("compliance",), ("slo",)])
def test_csv_runs_nothing_in_a_spreadsheet(command: tuple[str, ...], asked: Asked) -> None:
    text = asked("report", *command, "--format", "csv", codes=(0, 1)).output
    _is_harmless(text)
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1
    for value in (value for row in rows[1:] for value in row):
        assert not value.lstrip().startswith(hostile.FORMULA_STARTS) or re.fullmatch(r"-?[\d.]+", value), value
    if command[0] == "files":
        assert rows[1][0].startswith("'=cmd|")


# --- logs, metrics, alerts, pictures


def test_one_event_is_one_line_of_the_log(secured_run: Run) -> None:
    for log in secured_run.logs.values():
        _is_harmless(log)
        for line in log.splitlines():
            event = json.loads(line)
            assert event["event"] != "forged"
            assert {"event", "level", "timestamp", "logger"} <= event.keys()


def test_labels_hold_nothing_of_an_event_but_a_components_name(secured_run: Run) -> None:
    for where, text in secured_run.answers.items():
        if "/metrics" not in where:
            continue
        _is_harmless(text)
        seen: dict[str, set[str]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                for name, value in sample.labels.items():
                    seen.setdefault(name, set()).add(value)
        assert "owned" not in seen
        for name, values in seen.items():
            for value in values:
                if name == "component":
                    assert value.isprintable()
                else:
                    assert re.fullmatch(r"[\w .:+-]{1,64}", value), (name, value)


def test_a_flood_of_components_fills_no_prometheus() -> None:
    gauges = ClockGauges()
    names = [f"{hostile.COMPONENT[:80]}{number}" for number in range(metrics.COMPONENT_LABEL_LIMIT + 500)]
    before = _components()
    try:
        for name in names:
            gauges.tell(name, "NTP", read_at=1.0, offset_seconds=0.0, state=0)
        assert len(_components() - before) <= metrics.COMPONENT_LABEL_LIMIT + 1
        assert all(name.isprintable() for name in _components())
    finally:
        gauges.forget({(name, "NTP") for name in [*names, "other"]})
    assert _components() - {"other"} == before - {"other"}  # an earlier test may have needed "other"


def _components() -> set[str]:
    return {sample.labels["component"] for family in metrics.CLOCK_OFFSET.collect() for sample in family.samples}


def test_dead_letters_name_the_fault_and_not_the_data(secured_run: Run) -> None:
    """Their headers of ours are UTF-8 of one line; what the producer wrote into its own stays as it was."""
    theirs = ("x-\x1b[31m", b"\x1b]0;owned\x07")
    letters = [record for record in secured_run.records if record.topic.endswith(".dlq") and theirs in record.headers]
    assert len(letters) == 36
    for letter in letters:
        ours = {name: value for name, value in letter.headers if name.startswith(("dlq.", "__dlq."))}
        assert len(ours) == 8
        for name, value in ours.items():
            text = value.decode()
            assert hostile.acting(text) == [], (name, text)
            assert "\n" not in text


def test_announcements_are_json_and_carry_no_header_of_a_producer(secured_run: Run) -> None:
    for topic in ("violations.v1", "drift-alerts.v1", "verdicts.v1"):
        for record in secured_run.of_topic(topic):
            assert isinstance(json.loads(record.value), dict)
            assert [name for name, _ in record.headers if name not in ("traceparent", "tracestate")] == []


def test_a_picture_is_drawn_of_any_category() -> None:
    rows = [
        {"day": date(2026, 11, 20), "category": text, "violation_count": 3, "resolved_count": 1}
        for text in (hostile.MARKUP, hostile.LINE, hostile.TERMINAL, hostile.PATH, "")
    ]
    picture = Image.open(io.BytesIO(compliance_png(rows, 30, date(2026, 11, 23))))
    assert picture.size == (1280, 560)
    assert not {"cmd", "forged"} & set(picture.info)
