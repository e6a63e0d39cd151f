"""`python -m tests`: every test, in two lots side by side; the rounds of faults mostly wait, and the rest fills the time.

What the rest says is shown as it comes, what the faults say at the end. The exit code is that of the worse lot.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
FAULTS = "tests/faults"


def main() -> int:
    """Runs both lots to their ends."""
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen((*PYTEST, FAULTS), stdout=said, stderr=said) as faults:
        try:
            rest = subprocess.run((*PYTEST, "tests", f"--ignore={FAULTS}"), check=False).returncode
            faults.wait()
        finally:
            faults.terminate()
            said.seek(0)
            print(said.read(), flush=True)
    return max(rest, abs(faults.returncode))


if __name__ == "__main__":
    sys.exit(main())
