"""`scripts/fuzz --coverage-guided`: atheris chooses the inputs, and keeps those that reach code not seen before."""

import argparse
import asyncio
import sys

import atheris

with atheris.instrument_imports(include=["streams", "schemas"]):
    from tests.bad_input.campaign import Campaign, spare_the_collector
    from tests.bad_input.generator import ByteRandom, generate

_LONGEST_BYTES = 4096
_HANG_SECONDS = 10


def main() -> None:
    """Exit code 0 after so many inputs; an input that ends wrongly stops it, and is written to a file."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz --coverage-guided", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    campaign, loop = Campaign(), asyncio.new_event_loop()

    def one(data: bytes) -> None:
        topic, value = generate(ByteRandom(data))
        wrong = loop.run_until_complete(campaign.feed(f"input {campaign.figures.inputs}", topic, value))
        if wrong:
            raise AssertionError(f"{wrong}: {topic} {value!r:.500}")
        if campaign.figures.inputs == given.inputs:  # the engine ends the process without a word to Python
            print(campaign.figures.line(), flush=True)

    options = [
        f"-runs={given.inputs}",
        f"-seed={given.seed}",
        f"-max_len={_LONGEST_BYTES}",
        f"-timeout={_HANG_SECONDS}",
    ]
    atheris.Setup([sys.argv[0], *options, "-artifact_prefix=.cache/fuzz-"], one)
    spare_the_collector()
    atheris.Fuzz()


if __name__ == "__main__":
    main()
