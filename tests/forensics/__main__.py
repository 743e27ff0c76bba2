"""`python -m tests.forensics` carries out the corpus and writes its table into docs/forensics.md."""

import tempfile
from pathlib import Path

from tests.forensics.corpus import run, set_up
from tests.forensics.operations import OPERATIONS
from tests.forensics.table import DOCUMENT, rows, write

if __name__ == "__main__":
    set_up()
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run(OPERATIONS, Path(folder))
    write(outcomes)
    print("\n".join(rows(outcomes)))  # noqa: T201
    print(f"written into {DOCUMENT}")  # noqa: T201
