"""/metrics, /livez and /readyz under people who ask too much, too slowly and too often."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from time import monotonic

import pytest

from streams.local.server import LOOPBACK
from streams.observability import health as health_module
from streams.observability import http_server
from streams.observability.health import Health, HealthServer
from tests.security.flood import flooded


@pytest.fixture
def server() -> Iterator[HealthServer]:
    server = HealthServer(Health(stall_seconds=60), LOOPBACK, 0)
    yield server
    server.close()


def _ask(server: HealthServer, request: bytes, seconds: float = 5) -> bytes:
    """Everything that is answered until the connection ends."""
    with socket.create_connection((LOOPBACK, server.port), timeout=seconds) as connection:
        with suppress(ConnectionError):
            connection.sendall(request)
        answer = b""
        with suppress(ConnectionError):
            while more := connection.recv(65536):
                answer += more
        return answer


def _get(server: HealthServer, path: str, *headers: str) -> tuple[int, bytes, bytes]:
    lines = [f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]
    head, _, body = _ask(server, "\r\n".join(lines).encode()).partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), head, body


def test_what_is_answered(server: HealthServer) -> None:
    assert _get(server, "/livez")[::2] == (200, b"ok\n")
    assert _get(server, "/livez?verbose=1")[::2] == (200, b"ok\n")
    status, _, body = _get(server, "/readyz")
    assert status == 503
    # What is said of the cause are words of ours, whatever the servers said.
    assert body == b"no partitions are assigned yet; the database does not answer\n"
    for path in ("/", "/debug", "/metrics/", "/livez/../metrics", "//metrics", "/%6detrics"):
        assert _get(server, path)[0] == 404


def test_metrics_come_in_the_forms_that_prometheus_asks_for(server: HealthServer) -> None:
    status, head, body = _get(server, "/metrics")
    assert status == 200
    assert b"Content-Type: text/plain; version=0.0.4" in head
    assert b"cockpit_build_info{" in body
    _, head, body = _get(server, "/metrics", "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.1")
    assert b"Content-Type: application/openmetrics-text; version=1.0.0" in head
    assert body.endswith(b"# EOF\n")
    _, head, body = _get(server, "/metrics", "Accept-Encoding: gzip")
    assert b"Content-Encoding: gzip" in head
    assert body.startswith(b"\x1f\x8b")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n", b"405"),
        (b"DELETE / HTTP/1.1\r\n\r\n", b"405"),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400"),
        (b"GET /metrics\r\n\r\n", b"400"),
        (b"GET /livez SMTP/1.0\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 7000 + b" HTTP/1.1\r\n\r\n", b"404"),
        (b"HEAD /livez HTTP/1.1\r\n\r\n", b"200"),
    ],
)
def test_requests_that_nobody_should_send(server: HealthServer, request_bytes: bytes, status: bytes) -> None:
    answer = _ask(server, request_bytes)
    assert answer.split(b" ")[1] == status
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"a" * 100_000,
        b"GET /livez HTTP/1.1\r\nX: " + b"a" * 100_000,
        b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    ],
)
def test_large_requests_end_at_once(server: HealthServer, request_bytes: bytes) -> None:
    began = monotonic()
    # The refusal may be lost, for the rest of the request is not read.
    assert _ask(server, request_bytes).split(b"\r\n")[0] in (b"HTTP/1.1 431 Request Header Fields Too Large", b"")
    assert monotonic() - began < http_server.REQUEST_SECONDS / 2
    assert _get(server, "/livez")[0] == 200


def test_slow_requests_end_in_time(server: HealthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "REQUEST_SECONDS", 0.5)
    with socket.create_connection((LOOPBACK, server.port), timeout=10) as slow:
        began = monotonic()
        with suppress(ConnectionError):
            while monotonic() - began < 5:
                slow.sendall(b"G")
                slow.settimeout(0.1)
                with suppress(TimeoutError):
                    if not slow.recv(1):
                        break
        assert 0.4 < monotonic() - began < 3


def test_whoever_does_not_read_is_not_waited_for(server: HealthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(health_module, "_exposition", lambda *_: http_server.Answer("200 OK", b"x" * 50_000_000))
    with socket.create_connection((LOOPBACK, server.port), timeout=10) as slow:
        slow.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        began = monotonic()
        while server._server._open or monotonic() - began < 0.2:
            assert monotonic() - began < 3, "the connection is still open"


def test_many_slow_requests_keep_no_kubelet_out(server: HealthServer) -> None:
    """Three times as many connections as there may be, all of them with half a request."""
    with ExitStack() as stack:
        for _ in range(3 * http_server.CONNECTIONS):
            slow = stack.enter_context(socket.create_connection((LOOPBACK, server.port), timeout=10))
            slow.sendall(b"GET /livez HT")
        began = monotonic()
        assert _get(server, "/livez")[0] == 200
        assert monotonic() - began < 5  # a kubelet's patience (deploy/k8s/base/deployment.yaml)
        while len(server._server._open) > http_server.CONNECTIONS:  # one that is cancelled is open until it has ended
            assert monotonic() - began < 5


async def test_a_flood_of_scrapes_costs_a_bounded_share(server: HealthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections a second are limited, and however many ask, the text is made for a fortieth of the time."""
    took = []
    make = health_module._exposition

    def timed(*form: bool) -> http_server.Answer:
        start = monotonic()
        answer = make(*form)
        took.append(monotonic() - start)
        return answer

    monkeypatch.setattr(health_module, "_exposition", timed)
    began, busy_before = monotonic(), _thread_seconds(server)
    async with flooded(server.port, 1.5) as answered:
        pass
    lasted = monotonic() - began
    assert 20 < answered[0] <= lasted * http_server.CONNECTIONS_A_SECOND + http_server.CONNECTIONS
    assert len(took) < answered[0]
    assert sum(took[:-1]) <= lasted / health_module._REST  # each but the last was followed by its rest
    # The share of a core that the flood takes from the worker, which is what its loop can be late by.
    assert (_thread_seconds(server) - busy_before) / lasted < 0.25


def _thread_seconds(server: HealthServer) -> float:
    """CPU time of the server's thread."""
    thread = server._server._thread
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
