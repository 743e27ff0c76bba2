"""The command line's entry: `cockpit` and `python -m streams`."""

import sys

from pymysql.err import MySQLError

from streams.errors import CockpitError
from streams.store.failures import is_access_error


def main() -> None:
    """Run one command; a person's mistake is one line on stderr and exit code 2."""
    from streams.cli.app import build_cli  # the import takes a while; errors above it must not need it
    from streams.cli.terminal import plain  # what somebody else wrote may stand in an error's text

    try:
        build_cli()()
    except MySQLError as error:
        if not is_access_error(error):
            raise
        said = plain(error.args[-1])
        print(f"cockpit: COCKPIT_DATABASE_URL: {said}: `cockpit users grants` lists who may what", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except CockpitError as error:
        print(f"cockpit: {plain(error)}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
