"""What a bare pytest says of itself, written line by line: the measure that tractest is compared with.

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
    """What the terminal plugin says, where there is none."""
    if report.failed:
        return "failed" if report.when == "call" else "error"
    return report.outcome if report.when == "call" or report.skipped else ""


def _told(kind, report, config):
    # To ask changes a report of a test with subtests: nobody does where there is no terminal.
    category = _category(report)
    if config.pluginmanager.hasplugin("terminalreporter"):
        category = config.hook.pytest_report_teststatus(report=report, config=config)[0]
    _tell(kind=kind, id=report.nodeid, phase=report.when, outcome=report.outcome, category=category)


class Recorder:
    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        _told("report", report, self.config)

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
