"""The oracle and the account: a loss, a row too many and a verdict that is not there are noticed."""

import json
from collections import Counter
from pathlib import Path
from random import Random

from tests.chaos.account import Account
from tests.chaos.lane import Addresses, new_lane
from tests.chaos.oracle import Oracle
from tests.chaos.traffic import CLOCKS, FILES, SECOND, SUBMISSIONS, Traffic
from tests.e2e import events


def test_a_repeated_event_is_expected_once_and_garbage_as_a_dead_letter() -> None:
    capture = events.message(FILES, "h", events.capture(Random(1), "h", ["/a", "/b"]))
    oracle = Oracle()
    oracle.sent([capture, capture, (FILES, b"h", b"{"), (CLOCKS, b"c", None)])
    assert oracle.files.total() == oracle.rows == 2
    assert oracle.dead_letters == {b"{": 1, None: 1}
    assert not oracle.violations


def test_rules_are_applied_to_what_was_sent() -> None:
    random, oracle = Random(1), Oracle()
    tampered = events.capture(random, "h", ["/a"], mtime_ns=events.BASE_NS + SECOND)
    touched = events.capture(random, "h", ["/a"], mtime_ns=events.BASE_NS - SECOND)
    fast = events.reading(random, "c", -25_000, "2026-11-20T10:00:00Z")
    first, second = (events.submission(random, "s", version=version) for version in ("1.0.0", "2.0.0"))
    bad = events.submission(random, "t", version="one")
    for topic, key, event in (
        (FILES, "h", tampered), (FILES, "h", touched), (CLOCKS, "c", fast),
        (SUBMISSIONS, "s", first), (SUBMISSIONS, "s", second), (SUBMISSIONS, "t", bad),
    ):  # fmt: skip
        oracle.sent([events.message(topic, key, event)])
    assert {(code, subject) for _, code, subject in oracle.violations} == {
        ("TS-MTIME-AFTER-CTIME", "h:/a"), ("TS-MTIME-CHANGED-CTIME-NOT", "h:/a"), ("CLK-OFFSET", "c"),
        ("SUB-CONFLICT", "s"), ("SUB-META-001", bad["documents"][0]["path"]),
    }  # fmt: skip
    assert [verdict[1:] for verdict in oracle.verdicts.values()] == [
        ("accepted", "all_checks_passed"), ("rejected", "conflict"), ("rejected", "checks_failed"),
    ]  # fmt: skip
    assert oracle.drifting == {"c"}


def test_traffic_holds_every_kind_of_message_and_is_the_same_for_the_same_seed() -> None:
    messages = Traffic(3).take(600)
    assert messages == Traffic(3).take(600)
    oracle = Oracle()
    oracle.sent(messages)
    assert len({code for _, code, _ in oracle.violations}) == 5
    assert oracle.dead_letters.total() >= 5
    ids = [json.loads(value)["event_id"] for _, _, value in messages if value and b"event_id" in value]
    assert len(ids) > len(set(ids)), "some events are sent twice"


def test_an_account_tells_losses_from_rows_too_many() -> None:
    account = Account()
    assert account.is_clean
    account.compare("rows", Counter("aab"), Counter("abbb"))
    assert (account.lost, account.doubled) == (1, 2)
    assert not account.is_clean


async def test_where_nothing_was_stored_everything_is_lost(addresses: Addresses, tmp_path: Path) -> None:
    async with new_lane(addresses, tmp_path, 1) as lane:
        lane.oracle.sent(lane.traffic.take(300))
        account = await lane.account()
    expected = lane.oracle
    rows = expected.rows + expected.violations.total() + expected.dead_letters.total()
    assert account.lost == rows
    assert account.verdicts_missing == len(expected.verdicts)
    assert account.unannounced == len(expected.drifting)
