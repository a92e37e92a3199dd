"""Writes what a pytest session does as JSON lines, one per event, to the file that TRACTEST_EVENTS names.

PYTEST_DONT_REWRITE: nothing here asserts.

It is loaded through PYTEST_PLUGINS, so that the command line stays what a person would type, and leaves no trace once it is loaded:
the variables and the entry of sys.path that brought it here are restored, so that no process that a test starts inherits them.
Only the process that loaded it writes; a fork of it is silent. No failure in here may ever fail a test.
"""
import json
import os
import sys
import time

import pytest

_SCHEMA = "tractest.events/1"
_OWNER = os.getpid()
_LIMIT = 4000  # characters of a message or a traceback


def _restore(variable, ours, separator):
    """Takes our entry out of a list variable, and the variable away when nothing else is in it."""
    kept = [part for part in os.environ.get(variable, "").split(separator) if part and part != ours]
    if kept:
        os.environ[variable] = separator.join(kept)
    else:
        os.environ.pop(variable, None)


def _open():
    path = os.environ.pop("TRACTEST_EVENTS", None)
    here = os.path.dirname(os.path.abspath(__file__))
    _restore("PYTEST_PLUGINS", __name__, ",")
    _restore("PYTHONPATH", here, os.pathsep)
    sys.path[:] = [entry for entry in sys.path if entry != here]
    if not path:
        return None
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:
        return None


_file = _open()


def _write(event, **fields):
    """One line, written at once: a run that is killed loses nothing that it reported."""
    if _file is None or os.getpid() != _OWNER:
        return
    try:
        fields = {"schema": _SCHEMA, "event": event, "time": round(time.time(), 3), **fields}
        # ASCII: an id with a lone surrogate or a line separator stays one valid line.
        line = json.dumps(fields, default=str).encode("ascii") + b"\n"
        while line:
            line = line[os.write(_file, line):]
    except Exception:
        pass


def _clip(text, tail=False):
    text = str(text)
    if len(text) <= _LIMIT:
        return text
    return "…" + text[-_LIMIT:] if tail else text[:_LIMIT] + "…"


def _name(kind):
    module = getattr(kind, "__module__", None)
    name = getattr(kind, "__qualname__", str(kind))
    return name if module in (None, "builtins") else "%s.%s" % (module, name)


def _classes(error, seen):
    """The error's class, then those of the errors that it groups and that caused it, each once."""
    if error is None or len(seen) >= 20:
        return seen
    name = _name(type(error))
    if name not in seen:
        seen.append(name)
    for inner in getattr(error, "exceptions", None) or ():
        if isinstance(inner, BaseException):
            _classes(inner, seen)
    # tractor's RemoteActorError tells what was raised in the other process.
    remote = getattr(error, "boxed_type", None) or getattr(error, "src_type", None)
    if isinstance(remote, type) and _name(remote) not in seen:
        seen.append(_name(remote))
    return _classes(error.__cause__, seen) if error.__cause__ is not error else seen


_errors = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    yield
    try:
        if call.excinfo is not None:
            _errors[(item.nodeid, call.when)] = _classes(call.excinfo.value, [])
    except Exception:
        pass


def _where(representation, crash):
    """The innermost line of the failure that is the project's own; what a library raised starts there."""
    root = _root or os.getcwd()
    found = "%s:%s" % (crash.path, crash.lineno) if crash is not None else None
    for entry in getattr(getattr(representation, "reprtraceback", None), "reprentries", None) or ():
        place = getattr(entry, "reprfileloc", None)
        if place is None:
            continue
        path = os.path.abspath(str(place.path))
        if path.startswith(root + os.sep) and "site-packages" not in path:
            found = "%s:%s" % (os.path.relpath(path, root), place.lineno)
    return found


def _failure(report, classes):
    """The crash line, the message and the end of the traceback of a failed report."""
    representation = report.longrepr
    crash = getattr(representation, "reprcrash", None)
    message = getattr(crash, "message", None)
    text = getattr(report, "longreprtext", None) or str(representation or "")
    if message is None:
        lines = [line for line in text.splitlines() if line.strip()]
        errors = [line[1:].strip() for line in lines if line.startswith("E ")]
        message = errors[0] if errors else lines[-1] if lines else ""
    return {"message": _clip(message), "where": _where(representation, crash), "traceback": _clip(text, tail=True), "errors": classes or []}


def _skip_reason(report):
    representation = report.longrepr
    if isinstance(representation, tuple) and len(representation) == 3:
        return str(representation[2])
    return getattr(report, "wasxfail", None) or None


_warnings = 0
_deselected = 0
_config = None
_root = None


def pytest_sessionstart(session):
    global _config, _root
    try:
        _config = session.config
        _root = os.getcwd()  # tractest starts pytest in the project's root
        _write(
            "session-start",
            pid=_OWNER,
            rootdir=str(getattr(session.config, "rootpath", None) or session.config.rootdir),
            pytest=pytest.__version__,
            python="%d.%d.%d" % sys.version_info[:3],
        )
    except Exception:
        pass


def pytest_deselected(items):
    global _deselected
    _deselected += len(items)


def pytest_collection_finish(session):
    try:
        _write("collected", count=len(session.items), deselected=_deselected)
    except Exception:
        pass


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node, ids):
    _write("collected", count=len(ids), deselected=0)


def pytest_collectreport(report):
    try:
        if report.failed:
            _write("collection-error", id=report.nodeid, **_failure(report, []))
    except Exception:
        pass


def pytest_runtest_logstart(nodeid, location):
    _write("test-start", id=nodeid, file=location[0], line=location[1])


def _category(report):
    """What pytest's summary counts the report as: "passed", "failed", "error", "skipped", "xfailed", "xpassed", or "" for nothing."""
    try:
        return _config.hook.pytest_report_teststatus(report=report, config=_config)[0]
    except Exception:
        if report.failed:
            return "failed" if report.when == "call" else "error"
        return report.outcome if report.when == "call" or report.skipped else ""


def pytest_runtest_logreport(report):
    try:
        category = _category(report)
        classes = _errors.pop((report.nodeid, report.when), None)
        fields = _failure(report, classes) if report.failed else {}
        if report.skipped:
            fields["message"] = _clip(_skip_reason(report) or "")
        _write(
            "report",
            id=report.nodeid,
            phase=report.when,
            outcome=report.outcome,
            category=category,
            seconds=round(report.duration, 4),
            **fields
        )
    except Exception:
        pass


def pytest_warning_recorded(warning_message, when, nodeid, location):
    global _warnings
    _warnings += 1


def pytest_keyboard_interrupt(excinfo):
    try:
        _write("interrupted", error=_name(excinfo.type), message=_clip(excinfo.value))
    except Exception:
        pass


def pytest_internalerror(excrepr, excinfo):
    try:
        _write("internal-error", message=_clip(excinfo.value), errors=_classes(excinfo.value, []))
    except Exception:
        pass


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    try:
        _write("session-finish", exitStatus=int(exitstatus), warnings=_warnings, deselected=_deselected)
    except Exception:
        pass
