"""/metrics, /livez and /readyz, served by a thread of their own: a hung event loop must not hide itself.

/livez    200 while the event loop turns and batches make progress; Kafka or the database being away does
          not fail it, because a restart would mend neither
/readyz   200 while partitions are assigned, the database answers and Kafka takes our messages
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from time import monotonic, time
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from streams.errors import UserError
from streams.observability.metrics import OLDEST_UNWRITTEN, REGISTRY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LOOP_SILENT_SECONDS = 30.0
_REQUEST_SECONDS = 10


@dataclass(slots=True)
class Health:
    """What the worker knows of itself; written by the event loop, read by the server's threads."""

    stall_seconds: float
    assigned: bool = False
    database_answers: bool = False
    kafka_answers: Callable[[], bool] = field(default=lambda: True)
    _ticked_at: float = field(default_factory=monotonic)
    _progressed_at: float = field(default_factory=monotonic)
    _waiting: list[float] = field(default_factory=list)

    def tick(self) -> None:
        """The event loop turns."""
        self._ticked_at = monotonic()

    def group_begins(self, oldest_record_at: float) -> None:
        """A group waits to be stored; `oldest_record_at` is its first record's Kafka time in seconds."""
        if not self._waiting:
            self._progressed_at = monotonic()
        self._waiting.append(oldest_record_at)

    def groups_end(self, count: int) -> None:
        """So many of the oldest waiting groups are done."""
        del self._waiting[:count]
        self._progressed_at = monotonic()

    def oldest_unwritten_seconds(self) -> float:
        """Age of the oldest record that waits; 0 if none does."""
        waiting = list(self._waiting)
        return max(0.0, time() - min(waiting)) if waiting else 0.0

    def problems_of_life(self) -> list[str]:
        """Why a restart would help; empty while it would not."""
        problems = []
        if (silent := monotonic() - self._ticked_at) > _LOOP_SILENT_SECONDS:
            problems.append(f"the event loop has not turned for {silent:.0f} s")
        outage = not (self.database_answers and self.kafka_answers())
        stalled = monotonic() - self._progressed_at
        if self._waiting and not outage and stalled > self.stall_seconds:
            problems.append(f"no batch was finished for {stalled:.0f} s")
        return problems

    def problems_of_readiness(self) -> list[str]:
        """Why no work gets done just now."""
        problems = [] if self.assigned else ["no partitions are assigned yet"]
        if not self.database_answers:
            problems.append("the database does not answer")
        if not self.kafka_answers():
            problems.append("kafka does not take our messages")
        return problems


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 16


class _QuietHandler(WSGIRequestHandler):
    timeout = _REQUEST_SECONDS

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a probe every second is no news."""


class HealthServer:
    """Serves a Health and the metrics until closed."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        self._health = health
        self._metrics = make_wsgi_app(REGISTRY)
        OLDEST_UNWRITTEN.set_function(health.oldest_unwritten_seconds)
        try:
            self._server = make_server(host, port, self._answer, _Server, _QuietHandler)
        except OSError as error:
            raise UserError(
                f"COCKPIT_METRICS_PORT: cannot listen on {host}:{port}: {error.strerror}; choose another port"
            ) from None
        self.port = int(self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _reply(start_response, "405 Method Not Allowed", "only GET")
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, start_response)
            return answer
        checks = {"/livez": self._health.problems_of_life, "/readyz": self._health.problems_of_readiness}
        if path not in checks:
            return _reply(start_response, "404 Not Found", "/metrics, /livez, /readyz")
        problems = checks[path]()
        return _reply(start_response, "503 Service Unavailable" if problems else "200 OK", "; ".join(problems) or "ok")


def _reply(start_response: "StartResponse", status: str, text: str) -> list[bytes]:
    body = (text + "\n").encode()
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
