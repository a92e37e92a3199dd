"""Writes down what pytest reports, line by line, so that tractest can be compared with it.

PYTEST_DONT_REWRITE
"""
import json
import os

_owner = os.getpid()
_file = os.environ.pop("SUITES_RECORD")
# What tests and xdist's workers start sees the environment as it is without this plugin.
for _name in ("PYTEST_PLUGINS", "PYTHONPATH"):
    del os.environ[_name]


def _write(**fields):
    if os.getpid() != _owner:
        return
    with open(_file, "a", encoding="utf-8") as file:
        file.write(json.dumps(fields, default=str) + "\n")


class Recorder:
    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        category = self.config.hook.pytest_report_teststatus(report=report, config=self.config)[0]
        _write(id=report.nodeid, failed=report.failed, category=category)

    def pytest_collectreport(self, report):
        if report.outcome != "passed":
            _write(id=report.nodeid, failed=report.failed, category="error" if report.failed else report.outcome)


def pytest_configure(config):
    config.pluginmanager.register(Recorder(config), "suites-recorder")
