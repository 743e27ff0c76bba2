"""Writes the bill of materials of what an image holds, as CycloneDX JSON: `scripts/sbom [FILE]`."""

import json
import subprocess
import sys
from pathlib import Path

from deploy.supply_chain.locks import REQUIREMENTS, pins

_LOCK = REQUIREMENTS / "runtime.txt"


def main() -> int:
    """Write the file named as the only argument; fail when a package of the lock is not in it."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(_LOCK)]
    command += ["--pyproject", str(REQUIREMENTS.parent / "pyproject.toml"), "--mc-type", "application"]
    command += ["--output-reproducible", "--output-format", "JSON", "--output-file", str(target)]
    subprocess.run(command, check=True)
    components = json.loads(target.read_text(encoding="utf-8"))["components"]
    listed = {(component["name"].lower().replace("_", "-"), component["version"]) for component in components}
    if missing := {(pin.name, pin.version) for pin in pins(_LOCK)} - listed:
        sys.stderr.write(f"sbom: {sorted(missing)[0]} of {_LOCK.name} is not in {target}\n")
        return 1
    sys.stdout.write(f"{target}: {len(listed)} components of {_LOCK.name}, each with the hashes of its files\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
