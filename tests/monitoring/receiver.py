"""Stands where PagerDuty, Slack and the heartbeat's receiver are, and keeps what Alertmanager sends there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import Any


class Receiver:
    """Messages by the path that they were sent to, in their order."""

    def __init__(self, address: str, messages: list[tuple[str, str, Any]]) -> None:
        self.address = address
        self._messages = messages

    def sent_to(self, path: str) -> list[Any]:
        """The bodies."""
        return [body for at, _, body in self._messages if at == path]

    def tokens_of(self, path: str) -> set[str]:
        """The Authorization headers."""
        return {token for at, token, _ in self._messages if at == path}


@contextmanager
def receiver() -> Iterator[Receiver]:
    messages: list[tuple[str, str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            messages.append((self.path, self.headers.get("Authorization", ""), body))
            answer = b'{"status": "success"}' if self.path == "/pagerduty" else b"ok"
            self.send_response(202 if self.path == "/pagerduty" else 200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield Receiver(address, messages)


@contextmanager
def served(server: ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[str]:
    """The address (host:port) of a server that serves in a thread of its own until the block ends."""
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
