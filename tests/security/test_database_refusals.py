"""What a person sees whose database is not the one he trusts, or does not trust him: one line, soon, no secret."""

import subprocess
import sys
from collections.abc import Callable
from time import monotonic

import pytest

from streams.local.server import LOOPBACK
from tests.security.certificates import Certificates
from tests.security.commands import fresh_environment
from tests.security.conftest import Cockpit
from tests.security.servers import SecuredMariaDB, Users

_SECONDS = 10
Case = Callable[[str, Certificates], str]


def _password(url: str) -> str:
    return url.partition("://")[2].partition("@")[0].partition(":")[2]


CASES: dict[str, tuple[Case, str]] = {
    "wrong CA": (lambda url, c: url.replace(str(c.ca), str(c.other_ca)), "TLS: unable to get local issuer certificate"),
    "the system's CAs": (lambda url, c: url.replace(f"&ca={c.ca}", ""), "TLS: unable to get local issuer certificate"),
    "a CA that is no file": (lambda url, c: url.replace(str(c.ca), "/nowhere.pem"), "ca=/nowhere.pem: cannot be read"),
    "wrong host name": (lambda url, _: url.replace(f"@{LOOPBACK}", "@localhost"), "TLS: Hostname mismatch"),
    "wrong password": (lambda url, _: url.replace(_password(url), "canary-wrong"), "refuses us: 1045"),
    "wrong database": (lambda url, _: url.replace("/devguide_cockpit?", "/mysql?"), "refuses us: 1044"),
    "plain text": (lambda url, _: url.partition("?")[0], "refuses us: 1045"),
}
COMMANDS = (
    ("migrate",),
    ("users", "create", "{folder}"),
    ("violations", "list"),
    ("violations", "show", "x"),
    ("violations", "waivers"),
    ("standards", "list"),
    ("standards", "history"),
    ("standards", "replay", "--all", "--since", "1d", "--dry-run"),
    ("clock", "status"),
    ("report", "compliance"),
    ("report", "slo"),
    ("report", "files", "/a"),
    ("tiflash", "status"),
)


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_in_one_line(
    case: str, users: Users, certificates: Certificates, cockpit: Cockpit
) -> None:
    change, expected = CASES[case]
    _is_refused(cockpit, change(users.url("reader"), certificates), expected, "report", "slo")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_it(
    command: tuple[str, ...], users: Users, certificates: Certificates, cockpit: Cockpit, tmp_path: object
) -> None:
    change, expected = CASES["wrong password"]
    arguments = [part.format(folder=tmp_path) for part in command]
    _is_refused(cockpit, change(users.url("reader"), certificates), expected, *arguments)


def test_an_expired_certificate(users: Users, secured_mariadb: SecuredMariaDB, cockpit: Cockpit) -> None:
    secured_mariadb.show(secured_mariadb.certificates.expired_server)
    try:
        _is_refused(cockpit, users.url("reader"), "TLS: certificate has expired", "report", "slo")
    finally:
        secured_mariadb.show(secured_mariadb.certificates.server)
    assert cockpit(users.file("reader"), "report", "standards").code == 0


def test_a_server_without_tls_gets_no_password(cockpit: Cockpit, database_url: str) -> None:
    """A driver that goes on in plain text would log in here, for the user and the password are good."""
    assert cockpit({"COCKPIT_DATABASE_URL": database_url}, "tiflash", "status").errors.count("no TiFlash") == 1
    _is_refused(cockpit, database_url + "?tls=true", "the server offers no TLS", "tiflash", "status")


@pytest.mark.parametrize("case", ["wrong CA", "wrong host name", "wrong password"])
def test_a_worker_ends_and_says_it(case: str, users: Users, certificates: Certificates) -> None:
    change, expected = CASES[case]
    environment = {
        "COCKPIT_DATABASE_URL": change(users.url("worker"), certificates),
        "COCKPIT_METRICS_PORT": "0",
        "COCKPIT_LOG_LEVEL": "debug",
    }
    worker = subprocess.run(
        [sys.executable, "-m", "streams", "worker"],
        env=fresh_environment(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert worker.returncode == 2
    assert worker.stderr.count("\n") == 1
    assert expected in worker.stderr
    said = worker.stdout + worker.stderr
    assert "Traceback" not in said
    assert "canary" not in said
    assert _password(users.url("worker")) not in said


def _is_refused(cockpit: Cockpit, url: str, expected: str, *command: str) -> None:
    began = monotonic()
    said = cockpit({"COCKPIT_DATABASE_URL": url, "COCKPIT_METRICS_PORT": "0"}, *command)
    assert monotonic() - began < _SECONDS
    assert said.code == 2, said
    assert said.line.startswith("cockpit: COCKPIT_DATABASE_URL: "), said
    assert expected in said.line
    assert said.errors.count("\n") == 1
    assert "Traceback" not in said.errors
    assert _password(url) not in said.errors
    assert said.output == ""
