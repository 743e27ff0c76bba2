"""The short form of `scripts/fuzz`, and the same generator in hypothesis' hands, which shrinks what it finds."""

import asyncio
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bad_input import campaign
from tests.bad_input.campaign import Campaign
from tests.bad_input.generator import ByteRandom, generate


async def test_generated_records_end_stored_repeated_or_dead() -> None:
    figures = await campaign.run(seed=20_261_126, first=0, inputs=15_000)
    assert figures.faults == []
    assert sum(figures.outcomes.values()) == figures.inputs == 15_000
    # Else the generator would no longer reach what it is there for.
    assert set(figures.outcomes) >= {
        "stored", "duplicate", "tombstone", "too_large", "invalid_encoding", "invalid_json", "invalid",
    }  # fmt: skip
    assert figures.outcomes["stored"] > 1000


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.randoms(use_true_random=False), min_size=1, max_size=4))
def test_no_few_records_in_a_row_end_otherwise(randoms: list[Random]) -> None:
    async def feed() -> list[str | None]:
        fed = Campaign()
        return [await fed.feed("input", *generate(random)) for random in randoms]

    assert asyncio.run(feed()) == [None] * len(randoms)


async def test_a_record_that_is_dropped_or_breaks_a_judge_is_a_fault() -> None:
    class Careless(Campaign):
        """A worker with a bug: whatever it is asked, nothing comes of it."""

        async def _timed(self, topic, record):
            plan, *times = await super()._timed(topic, record)
            plan.rows.clear()
            plan.dead_letter = None
            return plan, *times

    figures = Careless()
    for number in range(50):
        await figures.feed(str(number), *generate(Random(number)))
    assert len(figures.figures.faults) == 50 - figures.figures.outcomes["duplicate"]


def test_bytes_choose_as_a_seed_does() -> None:
    sources = [Random(number).randbytes(400) for number in range(300)]
    made = [generate(ByteRandom(source)) for source in sources]
    assert made == [generate(ByteRandom(source)) for source in sources]
    assert len({value for _, value in made}) > 200
    assert generate(ByteRandom(b"")) == generate(ByteRandom(b"\0\0"))
