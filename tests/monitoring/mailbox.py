"""Stands where the mail server is: takes what Alertmanager sends over SMTP (RFC 5321), and keeps it parsed."""

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer

from tests.monitoring.receiver import served


class Mailbox:
    """Messages in their order, at `address` (host:port)."""

    def __init__(self, address: str, messages: list[EmailMessage]) -> None:
        self.address = address
        self.messages = messages


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    messages: list[EmailMessage] = []

    class Session(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            for line in self.rfile:
                command = line.strip().upper()
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    messages.append(message_from_bytes(self._data(), policy=policy.default))
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
                if command == b"QUIT":
                    return

        def _data(self) -> bytes:
            lines = []
            for line in self.rfile:
                if line == b".\r\n":
                    break
                lines.append(line.removeprefix(b"."))
            return b"".join(lines)

    with served(ThreadingTCPServer(("127.0.0.1", 0), Session)) as address:
        yield Mailbox(address, messages)
