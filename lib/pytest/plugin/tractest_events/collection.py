"""What a session collects, and what can't be collected."""
import os
import traceback

import pytest

from .environment import Known, queue_directory
from .event_file import around, clip, write
from .failures import error_classes, failure, skip_reason
from .left_children import current_children, known_children
from .shared_queue import CHUNK
from .test_ids import reported_id

_MOST_OFFERED = 1000

_reports_tests = queue_directory is None
_deselected = 0
_named_ids = []  # tests that the command line names by their ids
_offered = {}  # ids that were found where those were searched


def write_tests(nodeids):
    """Writes what is going to run: once, although each worker of pytest-xdist reports it."""
    global _reports_tests
    if not _reports_tests:
        return
    _reports_tests = False
    option = getattr(Known.config, "option", None)
    event = "listed" if getattr(option, "collectonly", False) else "tests"
    for start in range(0, len(nodeids), CHUNK):
        write(event, ids=[reported_id(nodeid) for nodeid in nodeids[start:start + CHUNK]])


def note_named(config):
    _named_ids[:] = [argument for argument in config.args if "::" in argument]


def offered(exitstatus):
    """pytest names the test that does not exist; these are those that do."""
    return {"offered": list(_offered)[:_MOST_OFFERED]} if exitstatus == 4 and _offered else {}


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    outcome = yield
    try:
        if _named_ids and len(_offered) < _MOST_OFFERED:
            found = (child.nodeid for child in outcome.get_result().result)
            _offered.update((reported_id(nodeid), None) for nodeid in found if "::" in nodeid)
    except Exception:
        pass


@around()
def pytest_load_initial_conftests(early_config, parser, args):
    """Reports a conftest.py that can't be imported: pytest then ends before any session begins."""
    try:
        return (yield)
    except BaseException as error:
        _conftest_error(error)
        raise


def _conftest_error(error):
    try:
        path = getattr(error, "path", None)
        information = getattr(error, "excinfo", None) or (None, None)
        cause = getattr(error, "cause", None) or information[1]
        if path is None or cause is None:
            return
        root = os.getcwd() + os.sep
        frames = traceback.extract_tb(cause.__traceback__)
        own = [one for one in frames if os.path.abspath(one.filename).startswith(root)]
        inner = ([one for one in own if "site-packages" not in one.filename] or own)[-1:]
        where = ["%s:%s" % (os.path.relpath(one.filename), one.lineno) for one in inner]
        message = "%s: %s" % (type(cause).__name__, cause)
        write(
            "collection-error",
            id=os.path.relpath(str(path)),
            message=clip(message),
            where=where[0] if where else None,
            traceback=clip("".join(traceback.format_list(own)) + message, tail=True),
            errors=error_classes(cause, []),
        )
    except Exception:
        pass


def pytest_deselected(items):
    global _deselected
    _deselected += len(items)


def deselected():
    return _deselected


def pytest_collection_finish(session):
    try:
        # What an import or the configuration has started belongs to no test.
        known_children.update(current_children())
        write("collected", count=len(session.items), deselected=_deselected)
        write_tests([item.nodeid for item in session.items])
    except Exception:
        pass


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node, ids):
    Known.by_workers = True
    write("collected", count=len(ids), deselected=0)
    write_tests(ids)


def pytest_collectreport(report):
    try:
        if report.failed:
            write("collection-error", id=reported_id(report.nodeid), **failure(report, {}))
        elif report.skipped:
            message = clip(skip_reason(report) or "")
            write("collection-skip", id=reported_id(report.nodeid), message=message)
    except Exception:
        pass
