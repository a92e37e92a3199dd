"""The begin and the end of a session, its warnings and its interruption."""
import os
import sys
import time

import pytest

from .collection import deselected, note_named, offered
from .environment import OWNER, Known, is_part, own_cache, queue_directory, session_name
from .event_file import around, class_name, clip, send, write
from .failures import error_classes, leaves
from .shared_temporary import share_temporary
from .test_ids import clean_last_failed, install_ids, place_in_rootdir, reported_id

_MOST_WARNINGS = 200
_warnings = 0
_LONGEST_PART = 100
_reports_uncaught = False


def _booted():
    """When the kernel's clock for starts of processes was 0, in seconds since the epoch."""
    try:
        return round(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME), 3)
    except (AttributeError, OSError):
        return None


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """A part is one of all tests, not of those that another part has left as the last failed."""
    for name in ("lf", "stepwise", "stepwise_skip", "stepwise_reset"):
        if is_part and hasattr(config.option, name):
            setattr(config.option, name, False)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """Gives each session of a queue, and of a cell, its own cache after the common one was read.

    tractest joins what they know of failures.
    """
    try:
        leave_coverage_alone(config)
        Known.place = place_in_rootdir(config)
        install_ids(config)
        cache = getattr(config, "cache", None)
        directory = getattr(cache, "_cachedir", None)
        Known.cache = None if directory is None else str(directory)
        own = queue_directory or own_cache
        if own is not None and directory is not None:
            cache._cachedir = type(directory)(own) / ("cache-%s" % session_name)
        share_temporary(config)
    except Exception:
        pass


def pytest_sessionstart(session):
    try:
        Known.config = session.config
        Known.root = os.getcwd()  # tractest starts pytest in the project's root
        write(
            "session-start",
            pid=OWNER,
            rootdir=str(getattr(session.config, "rootpath", None) or session.config.rootdir),
            place=Known.place,
            pytest=pytest.__version__,
            python="%d.%d.%d" % sys.version_info[:3],
            cache=Known.cache,
            maxfail=int(session.config.getoption("maxfail", 0) or 0),
            booted=_booted(),
        )
        note_named(session.config)
    except Exception:
        pass


def pytest_warning_recorded(warning_message, when, nodeid, location):
    global _warnings
    _warnings += 1
    try:
        if _warnings <= _MOST_WARNINGS:
            write(
                "warning",
                id=reported_id(nodeid),
                category=class_name(warning_message.category),
                message=clip(warning_message.message),
                where="%s:%s" % (warning_message.filename, warning_message.lineno),
            )
    except Exception:
        pass


def pytest_keyboard_interrupt(excinfo):
    try:
        write("interrupted", error=class_name(excinfo.type), message=clip(excinfo.value))
    except Exception:
        pass


def pytest_internalerror(excrepr, excinfo):
    try:
        classes = error_classes(excinfo.value, [])
        write("internal-error", message=clip(excinfo.value), errors=classes)
    except Exception:
        pass


@around(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Innermost: pytest's summary comes after it."""
    try:
        # The last test is over, whatever other plugins do now.
        send("")
    except Exception:
        pass
    result = yield
    try:
        clean_last_failed(session.config)
    except Exception:
        pass
    try:
        write(
            "session-finish",
            # Other plugins may have changed it.
            exitStatus=int(getattr(session, "exitstatus", exitstatus)),
            failed=int(getattr(session, "testsfailed", 0)),
            warnings=_warnings,
            deselected=deselected(),
            **offered(int(exitstatus))
        )
    except Exception:
        pass
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config):
    """From here on no hook sees an error, and the exit code alone does not say why."""
    global _reports_uncaught
    if _reports_uncaught or Known.config not in (None, config):
        return
    _reports_uncaught = True
    before = sys.excepthook

    def report(kind, error, trace):
        try:
            write("uncaught", message=clip(_in_one_line(error)))
        except Exception:
            pass
        before(kind, error, trace)

    sys.excepthook = report


def _in_one_line(error):
    """An error, the first of a group of them, and what caused it: `A: b, caused by C: d`."""
    parts = []
    while error is not None and len(parts) < 3:
        first = next(leaves(error))
        text = str(first).strip().split("\n", 1)[0]
        name = class_name(type(first)).rsplit(".", 1)[-1]
        parts.append("%s: %s" % (name, text[:_LONGEST_PART]) if text else name)
        error = first.__cause__
    return ", caused by ".join(parts)
