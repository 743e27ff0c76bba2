"""Lines that a real chronyd 4.3 said: a client, its server, which follows itself, and one without a source."""

from streams.judges.clocks import DEFAULT_LIMITS, Arrival, Judgement, judge_reading
from streams.judges.clocks.state import ClockState
from streams.producers.clocks import parse_tracking
from streams.times import microseconds
from tests.unit.judges.clocks import ACTIVE, codes, told

CLIENT = """\
7F000001,127.0.0.1,11,1795449380.207986379,-0.000001602,-0.000000170,0.000001313,0.002,-0.003,0.072,0.000006454,0.000001151,1.0,Normal
7F000001,127.0.0.1,11,1795449382.714809876,-0.000001547,0.000000009,0.000001182,-0.005,-0.000,0.055,0.000006454,0.000000707,1.0,Normal
7F000001,127.0.0.1,11,1795449383.974680895,-0.000001520,0.000000001,0.000001064,-0.006,-0.000,0.046,0.000006454,0.000001536,1.0,Normal
7F000001,127.0.0.1,11,1795449386.467533593,-0.000001436,-0.000000023,0.000000958,-0.010,-0.000,0.042,0.000006454,0.000001084,1.0,Normal
7F000001,127.0.0.1,11,1795449388.733643717,-0.000001374,-0.000000041,0.000000862,-0.013,-0.001,0.036,0.000006454,0.000000827,1.0,Normal
7F000001,127.0.0.1,11,1795449390.842992262,-0.000001316,0.000000000,0.000000776,-0.014,-0.000,0.031,0.000006454,0.000000735,1.0,Normal
7F000001,127.0.0.1,11,1795449392.094588389,-0.000001374,0.000000085,0.000000699,-0.011,0.001,0.028,0.000006944,0.000001165,1.0,Normal
7F000001,127.0.0.1,11,1795449394.023332558,-0.000001349,0.000000017,0.000000629,-0.011,0.000,0.024,0.000006944,0.000001283,1.0,Normal
7F000001,127.0.0.1,11,1795449396.876443115,-0.000001316,0.000000007,0.000000566,-0.011,0.000,0.020,0.000006868,0.000000355,1.0,Normal
"""
SERVER = "7F7F0101,,10,1795449364.647342322,0.0,0.0,0.0,0.000,0.000,0.000,0.000000000,0.000000000,0.0,Normal"
NEVER = "00000000,,0,0.000000000,0.0,0.0,0.0,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised"
FIRST_US = 1_795_449_381_000_000


def judged(lines: list[str], seconds: float = 2.0) -> list[Judgement]:
    """Each line as a reading that arrives so many seconds after the one before."""
    state: ClockState | None = None
    made = []
    for number, line in enumerate(lines):
        reading = parse_tracking(line, "web-01")
        arrived_us = FIRST_US + round(number * seconds * 1_000_000)
        read_at_us = microseconds(reading.last_sync_at) if reading.last_sync_at else arrived_us
        arrival = Arrival(min(read_at_us, arrived_us), arrived_us)
        made.append(judge_reading(reading, arrival, state, DEFAULT_LIMITS, ACTIVE))
        state = made[-1].state or state
    return made


def test_a_healthy_client_breaks_nothing() -> None:
    made = judged(CLIENT.splitlines())
    assert {(j.status, j.certainty, tuple(codes(j)), tuple(told(j))) for j in made} == {
        ("synchronized", "proven", (), ())
    }
    assert [judgement.facts.offset for judgement in made[:3]] == [2, 2, 2]
    assert 5 < made[0].facts.bound < 7  # 2 + 1.151 + 6.454 / 2


def test_a_server_that_follows_itself_is_told_once() -> None:
    made = judged([SERVER] * 5)
    assert [told(judgement) for judgement in made] == [[("local_reference", "firing")], [], [], [], []]
    assert {judgement.status for judgement in made} == {"synchronized"}


def test_a_daemon_without_a_source_is_in_error_and_nothing_else() -> None:
    made = judged([NEVER] * 3)
    assert [told(judgement) for judgement in made] == [[("unsynchronised", "firing")], [], []]
    assert {(judgement.status, tuple(codes(judgement))) for judgement in made} == {("error", ("CLK-UNSYNCHRONISED",))}


def test_the_sign_turns_round() -> None:
    """chrony tells what is to be corrected: a positive system time is a slow clock."""
    slow = CLIENT.splitlines()[0].split(",")
    slow[4] = "0.020000000"
    (judgement,) = judged([",".join(slow)])
    assert (judgement.status, judgement.facts.offset, told(judgement)) == ("drifting", -20_000, [("offset", "firing")])
