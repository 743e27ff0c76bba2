"""A run with forced failures and debug logging gives no secret away, and opens no door that nobody asked for."""

import base64
import json
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from streams.kafka.access import WORKER
from streams.observability.logs import secrets_of
from streams.settings import load_settings
from streams.store.users import ROLES
from tests.security.conftest import Cockpit
from tests.security.secured_run import Run
from tests.security.servers import SecuredMariaDB


@pytest.fixture(scope="module")
def canaries(secured_run: Run, secured_mariadb: SecuredMariaDB) -> dict[str, str]:
    """Every secret of the run, in the forms in which it could be met."""
    secrets = {f"password of {name}": password for name, password in secured_run.kafka.passwords.items()}
    for role in ROLES:
        url = secured_run.users.url(role)
        secrets |= {f"URL of {role}": url, f"password of {role}": unquote(urlsplit(url).password or "")}
    secrets["password of the database's admin"] = urlsplit(secured_mariadb.admin_url).password or ""
    for name in (WORKER, "server"):
        key = (secured_run.kafka.certificates.ca.parent / f"{name}.pem").read_text()
        secrets[f"key of {name}"] = key.splitlines()[1]
    found = {}
    for name, secret in secrets.items():
        assert len(secret) >= 16, name
        forms = (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), secret.encode().hex())
        found |= {f"{name}, form {number}": form for number, form in enumerate(forms)}
    return found


def _met(canaries: dict[str, str], text: str) -> list[str]:
    return [name for name, form in canaries.items() if form in text]


def test_the_run_was_what_it_should_be(secured_run: Run) -> None:
    """Else nothing below would mean anything."""
    assert secured_run.codes == [0, 0]
    for log in secured_run.logs.values():
        assert '"level": "debug"' in log
        assert "database_away" in log
    assert secured_run.of_topic("violations.v1")
    assert secured_run.of_topic("drift-alerts.v1")
    assert secured_run.of_topic("verdicts.v1")
    assert len(secured_run.of_topic("clock-sync.v1.dlq")) >= 12


def test_no_secret_is_in_a_log(secured_run: Run, canaries: dict[str, str]) -> None:
    for log in secured_run.logs.values():
        assert _met(canaries, log) == []


def test_no_secret_is_in_an_answer_on_the_port(secured_run: Run, canaries: dict[str, str]) -> None:
    for where, text in secured_run.answers.items():
        assert text, where
        assert _met(canaries, text) == [], where
        assert "127.0.0.1" not in text, where
        assert "cockpit_worker" not in text, where


def test_no_secret_is_in_a_topic(secured_run: Run, canaries: dict[str, str]) -> None:
    """Dead letters with their headers, violations, alerts, verdicts, and the trace headers of all."""
    for record in secured_run.records:
        headers = b"".join(name.encode() + (value or b"") for name, value in record.headers)
        text = ((record.key or b"") + (record.value or b"") + headers).decode("utf-8", "replace")
        assert _met(canaries, text) == [], record.topic


def test_no_secret_is_in_a_command_line(secured_run: Run, canaries: dict[str, str]) -> None:
    assert "streams worker" in secured_run.processes
    assert _met(canaries, secured_run.processes) == []


def test_a_worker_listens_on_its_one_port(secured_run: Run) -> None:
    """Faust's own web server would be a second one."""
    assert {len(ports) for ports in secured_run.ports.values()} == {1}
    for name, ports in secured_run.ports.items():
        assert f'"metrics_port": {ports.pop()}' in secured_run.logs[name]


def test_errors_of_commands_hold_no_secret(
    secured_run: Run, canaries: dict[str, str], cockpit: Cockpit, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("standards: [")
    for command in (
        ("violations", "show", "x"),
        ("standards", "show", "x"),
        ("standards", "apply", str(broken)),
        ("migrate",),
        ("violations", "ack", "x", "--reason", "y"),
        ("dlq", "show", "x", "0", "0"),
        ("dlq", "show", "clock-sync.v1", "0", "999999"),
        ("tiflash", "enable"),
        ("users", "create", str(tmp_path)),
    ):
        said = cockpit(secured_run.environment(), *command)
        assert said.code != 0, command
        assert said.errors, command
        assert _met(canaries, said.output + said.errors) == [], command
        assert "Traceback" not in said.errors, command


def test_what_is_masked_is_masked_in_every_form() -> None:
    url = "mysql://u:p%27a%2Fs%25s%5Cword@h:4000/d"
    settings = load_settings(database_url=url, kafka_sasl_password="it's a \\ secret")
    text = json.dumps(secrets_of(settings))
    for form in ("p'a/s%s\\word", "p%27a%2Fs%25s%5Cword", "it's a \\ secret", "it%27s%20a%20%5C%20secret"):
        assert json.dumps(form)[1:-1] in text, form
