"""What a hostile name does in PagerDuty, Slack and e-mail: it is text there, in its place, and nothing else.

A real Alertmanager with the committed receivers. It is told of the alerts directly, for a worker lets no such name out:
it is hostile in more ways than any label of ours can be.
"""

from email.message import EmailMessage
from pathlib import Path

from tests.monitoring.mailbox import mailbox
from tests.monitoring.programs import Alertmanager, alerts, wait_until
from tests.monitoring.receiver import receiver

HOSTILE = 'x\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script><!channel> <https://evil.example|y> & "{{ .x }}'
SUMMARY = f"the clock of {HOSTILE} is off"
ALERTS = {"critical": "ClockDrift", "warning": "ClockUnsynchronised", "info": "StorageAlmostFull"}


def _html(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def test_a_hostile_name_is_text_for_everybody_who_is_told(programs: Path, tmp_path: Path) -> None:
    for severity, name in ALERTS.items():
        assert alerts()[name]["labels"]["severity"] == severity
    with receiver() as inbox, mailbox() as mails:
        alertmanager = Alertmanager(tmp_path, "alertmanager")
        with alertmanager.started(programs, inbox.address, mails.address):
            alertmanager.fire(*ALERTS.values(), annotations={"summary": SUMMARY}, component=HOSTILE)
            wait_until(lambda: inbox.sent_to("/pagerduty") and inbox.sent_to("/slack") and mails.messages, 30, "all")

    page = inbox.sent_to("/pagerduty")[0]
    assert page["payload"]["component"] == HOSTILE
    assert page["payload"]["summary"] == f"ClockDrift: {SUMMARY}"
    assert page["payload"]["severity"] == "critical"

    for message in inbox.sent_to("/slack"):
        for part in message["attachments"]:
            assert "&lt;!channel&gt; &lt;https://evil.example|y&gt; &amp; " in part["text"]
            assert "<" not in part["text"] + part["title"] + part["fallback"]

    (mail,) = mails.messages
    assert mail["To"] == "platform@example.com"
    assert mail["Bcc"] is None
    assert " ".join(mail["Subject"].split()).startswith("[firing] StorageAlmostFull: the clock of x Bcc: evil@")
    assert "<script" not in _html(mail)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;!channel&gt;" in _html(mail)
    assert "https://evil.example" not in [part.split('"')[0] for part in _html(mail).split('href="')[1:]]
