"""Takes the settings out of the environment, and removes every trace of how this was loaded.

No process that a test starts inherits them. TRACTEST_RUN stays: it marks what the tests start.
"""
import os
import sys
import time

# Tests may replace these for good, by a clock that stands still, say.
now, getpid, getppid, os_write, sleep = time.time, os.getpid, os.getppid, os.write, time.sleep
OWNER = getpid()
PARENT = getppid()  # read here: after a long collection it may be gone

event_path = os.environ.pop("TRACTEST_EVENTS", None)
session_name = os.environ.pop("TRACTEST_SESSION", None)
queue_directory = os.environ.pop("TRACTEST_QUEUE", None)
own_cache = os.environ.pop("TRACTEST_CACHE", None)
is_part = os.environ.pop("TRACTEST_PART", None) is not None
temporary_record = os.environ.pop("TRACTEST_TEMPORARY", None)
is_isolated = os.environ.pop("TRACTEST_ISOLATED", None) is not None


class Known:
    """What pytest has said of the session so far."""

    config = None
    by_workers = False  # pytest-xdist's workers run the tests; they are no test's children
    root = None
    place = ""  # the working directory, relative to the rootdir of pytest
    cache = None


def _remove(variable, ours, separator):
    """Takes our entry out of a list variable. Empty entries stay: PYTHONPATH has a use for them."""
    entries = os.environ.get(variable, ours).split(separator)
    kept = [entry for entry in entries if entry != ours]
    if kept:
        os.environ[variable] = separator.join(kept)
    else:
        os.environ.pop(variable, None)


def _leave_no_trace():
    here = os.path.dirname(os.path.abspath(__file__))
    _remove("PYTEST_PLUGINS", "tractest_plugin", ",")
    _remove("PYTHONPATH", here, os.pathsep)
    sys.path[:] = [entry for entry in sys.path if entry != here]


_leave_no_trace()


def leave_coverage_alone(config):
    """Tests that start coverage themselves find its usual file, unless coverage measures them."""
    measured = config.pluginmanager.hasplugin("_cov") or config.getoption("cov_source", None)
    if measured or any(name.startswith("COVERAGE_PROCESS_") for name in os.environ):
        return
    if os.environ.get("COVERAGE_FILE") == ".coverage.shard-%s" % session_name:
        del os.environ["COVERAGE_FILE"]
