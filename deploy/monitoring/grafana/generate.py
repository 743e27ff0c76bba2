"""Writes dashboards/*.json.

`python -m deploy.monitoring.grafana.generate`; `--check` writes nothing and fails when a file would change.
"""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.grafana import metadata_governance, tidb_health

TARGET = Path(__file__).parent / "dashboards"


def dashboards() -> dict[str, str]:
    """The text of every file, by name."""
    built = {"tidb-health": tidb_health.build(), "metadata-governance": metadata_governance.build()}
    files = {}
    for name, board in built.items():
        for place, panel in enumerate(board.panels or (), start=1):
            panel.id_val = place  # links and alerts name a panel by it
        files[f"{name}.json"] = json.dumps(board, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
    return files


def main() -> int:
    """Write the files, or check them; the exit code."""
    if "--check" in sys.argv[1:]:
        there = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.json")}
        if there != dashboards():
            sys.stderr.write("dashboards/: does not fit its code: run scripts/dashboards\n")
            return 1
        return 0
    TARGET.mkdir(exist_ok=True)
    for name, text in dashboards().items():
        (TARGET / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
