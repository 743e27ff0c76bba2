import subprocess
from pathlib import Path

import pytest

# The database, topics and workers of the end-to-end tests serve here too.
from tests.e2e.conftest import database, deployed, new_worker

__all__ = ["database", "deployed", "new_worker", "programs"]

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder with prometheus, promtool, alertmanager and amtool; the set-up says in one line when it cannot."""
    done = subprocess.run(
        [CHECKOUT / "scripts" / "setup-monitoring"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return CHECKOUT / ".local" / "artifacts" / "monitoring" / "bin"
