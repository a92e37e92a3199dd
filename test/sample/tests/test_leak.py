"""Leave actors behind, on demand. README.md: SAMPLE_LEAK, SAMPLE_LEAK_REGISTRY."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELPER = Path(__file__).parents[1] / "support" / "leave_actors.py"


def test_leaves_actors(spawn_backend, loglevel):
    count = int(os.environ.get("SAMPLE_LEAK") or 0)
    keep_registrar = os.environ.get("SAMPLE_LEAK_REGISTRY") == "1"
    if not count and not keep_registrar:
        pytest.skip("only on demand: SAMPLE_LEAK is not set")

    ready, ready_far = os.pipe()
    helper = subprocess.Popen(
        [
            *(sys.executable, HELPER),
            *("--actors", str(count)),
            *("--spawn-backend", spawn_backend),
            *("--loglevel", loglevel),
            *("--ready-fd", str(ready_far)),
        ],
        pass_fds=[ready_far],
        # stdout and stderr are inherited, as by any actor of a test
    )
    os.close(ready_far)
    with open(ready) as lines:
        assert lines.read() == "ready\n", "the helper did not start its actors"

    if keep_registrar:
        # No process waits for it: when pytest ends it is an orphan, with its actors.
        helper.returncode = 0  # no ResourceWarning about that
    else:
        # Actors don't notice that their root was killed.
        helper.kill()
        helper.wait()
