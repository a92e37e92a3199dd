"""Records what bare pytest reports, line by line, so that tractest can be compared with it.

PYTEST_DONT_REWRITE
"""
import json
import os

import pytest

_owner = os.getpid()
_file = os.dup(os.open(os.environ.pop("DIFFERENTIAL_RECORD"), os.O_WRONLY | os.O_CREAT | os.O_APPEND))
_high = 900
os.dup2(_file, _high)  # where a test that closes descriptors seldom comes
os.close(_file)
_write, _getpid, _encode = os.write, os.getpid, json.JSONEncoder(default=str).encode


def _tell(**fields):
    if _getpid() == _owner:
        _write(_high, (_encode(fields) + "\n").encode())


def _category(report):
    """The category that the terminal plugin would give, where there is none."""
    if report.failed:
        return "failed" if report.when == "call" else "error"
    return report.outcome if report.when == "call" or report.skipped else ""


def _record_report(kind, report, config):
    # Calling this hook changes the report of a test with subtests, so it needs a terminal plugin.
    category = _category(report)
    if config.pluginmanager.hasplugin("terminalreporter"):
        category = config.hook.pytest_report_teststatus(report=report, config=config)[0]
    _tell(kind=kind, id=report.nodeid, phase=report.when, outcome=report.outcome, category=category)


class Recorder:
    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        _record_report("report", report, self.config)

    def pytest_collectreport(self, report):
        if report.outcome != "passed":
            category = "error" if report.failed else report.outcome
            _tell(kind="collect", id=report.nodeid, phase="collection", outcome=report.outcome, category=category)

    def pytest_keyboard_interrupt(self):
        _tell(kind="interrupted")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus):
        _tell(kind="finish", status=int(exitstatus))


class Last:
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus):
        _tell(kind="finished", status=int(exitstatus))


def pytest_configure(config):
    config.pluginmanager.register(Recorder(config), "differential-recorder")
    config.pluginmanager.register(Last(), "differential-last")
