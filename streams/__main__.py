"""The command line's entry: `cockpit` and `python -m streams`."""

import sys

from streams.errors import CockpitError


def main() -> None:
    """Run one command; a person's mistake is one line on stderr and exit code 2."""
    from streams.cli.app import build_cli  # the import takes a while; errors above it must not need it

    try:
        build_cli()()
    except CockpitError as error:
        print(f"cockpit: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
