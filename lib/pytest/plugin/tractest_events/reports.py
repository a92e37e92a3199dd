"""When tests begin, and what their phases report."""
import pytest

from .environment import Known, now
from .event_file import PASSED, TEST_START, clip, encode, hold, send, write
from .failures import errors, failure, skip_reason
from .test_ids import reported_id

_TEST_REPORT = getattr(pytest, "TestReport", None)
# A setup that took less than this is of no use before the call is over.
_HOLD_SECONDS = 0.05
_PHASES = ("setup", "call", "teardown")
_COUNTING = ("pytest_report_teststatus",)
_AFTER_TEARDOWN = (
    "pytest_runtest_logreport",
    "pytest_runtest_logfinish",
    "pytest_runtest_protocol",
    "pytest_runtestloop",
)

# The latest id and file with their JSON: most come several times in a row.
_quoted_id = ("", '""')
_quoted_file = ("", '""')
# Whether only pytest itself decides what a report counts as; None while unknown.
_counted_by_pytest = None
# Whether the next test, or the end of the session, comes right after a teardown.
_followed_by_pytest = None


def _quoted(nodeid):
    global _quoted_id
    if _quoted_id[0] is not nodeid:
        _quoted_id = (nodeid, encode(reported_id(nodeid)))
    return _quoted_id[1]


def pytest_runtest_logstart(nodeid, location):
    global _quoted_file
    try:
        file, line, _ = location
        if _quoted_file[0] != file:
            _quoted_file = (file, encode(reported_id(file)))
        shown_line = "null" if line is None else int(line)
        send(TEST_START % (now(), _quoted(nodeid), _quoted_file[1], shown_line))
    except Exception:
        pass


def pytest_plugin_registered(plugin):
    global _counted_by_pytest
    _counted_by_pytest = None


def _find_other_plugins():
    global _counted_by_pytest, _followed_by_pytest
    _counted_by_pytest = _are_left_to_pytest(_COUNTING)
    _followed_by_pytest = _are_left_to_pytest(_AFTER_TEARDOWN)


def _are_left_to_pytest(names):
    """Whether only pytest and this plugin implement some hooks."""
    hooks = [getattr(Known.config.hook, name) for name in names]
    functions = [one.function for hook in hooks for one in hook.get_hookimpls()]
    modules = [getattr(function, "__module__", None) or "" for function in functions]
    return all(module == __name__ or module.startswith("_pytest.") for module in modules)


def _category(report):
    """pytest's word for what its summary counts the report as; "" for nothing."""
    try:
        return Known.config.hook.pytest_report_teststatus(report=report, config=Known.config)[0]
    except Exception:
        if report.failed:
            return "failed" if report.when == "call" else "error"
        return report.outcome if report.when == "call" or report.skipped else ""


def pytest_runtest_logreport(report):
    try:
        known = errors.pop((report.nodeid, report.when), None) if errors else None
        is_plain = type(report) is _TEST_REPORT and "wasxfail" not in report.__dict__
        if report.outcome == "passed" and is_plain:
            if _counted_by_pytest is None:
                _find_other_plugins()
            # Most reports are like this: their category is known, and most can wait for the next
            # line, which comes at once.
            if _counted_by_pytest:
                when = report.when
                if when == "call":
                    send(PASSED % (now(), _quoted(report.nodeid), when, "passed", report.duration))
                    return
                if when == "teardown" and report.user_properties:
                    _write_report(report, "", {})
                    return
                hold((now(), _quoted(report.nodeid), when, "", report.duration))
                can_wait = report.duration < _HOLD_SECONDS
                if not (_followed_by_pytest if when == "teardown" else can_wait):
                    send("")
                return
        fields = failure(report, known or {}) if report.failed else {}
        if report.skipped:
            fields["message"] = clip(skip_reason(report) or "")
        _write_report(report, _category(report), fields)
    except Exception:
        pass


def _write_report(report, category, fields):
    if report.when == "teardown" and getattr(report, "user_properties", None):
        fields["properties"] = [[str(name), clip(value)] for name, value in report.user_properties]
    if type(report) is not _TEST_REPORT and hasattr(report, "context"):
        fields["subtest"] = _subtest(report)
    write(
        "report",
        id=reported_id(report.nodeid),
        phase=report.when if report.when in _PHASES else "call",
        outcome=report.outcome,
        category=category,
        seconds=round(report.duration, 4),
        **fields
    )
    if report.when not in _PHASES:
        # pytest-xdist's report of a test in which a worker crashed: no other one follows.
        hold((now(), _quoted(report.nodeid), "teardown", "", 0))
        send("")


def _subtest(report):
    """The description of a subtest, of pytest's own or of pytest-subtests."""
    for name in ("_sub_test_description", "sub_test_description"):
        if hasattr(report, name):
            return clip(getattr(report, name)())
    return ""


@pytest.fixture(scope="session")
def record_testsuite_property(record_testsuite_property):
    """Like pytest's own, and reports what is recorded."""

    def record(name, value):
        record_testsuite_property(name, value)
        write("suite-property", name=name, value=clip(value))

    return record
