"""Ids of tests with an address, `test_a[<P object at 0x7f95a8c637e0>]`: other ones in each process.

Reports and the record of failures have `0x…` instead; where that names several tests, the second
has `0x…2`, in order of collection. Such an id, or one with the address of another process, names
the test on the command line and for --lf.

All ids are relative to the working directory, as paths on the command line are: pytest's own are
relative to its rootdir, which may be above it.
"""
import os
import re

import pytest

_MARK = " at 0x"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_ANY = re.compile(r" at 0x(?:[0-9a-fA-F]+|…\d*)")
_HEX = re.compile(r" at 0x[0-9a-fA-F]")
_NUMBERED = re.compile(r" at 0x…\d")
_plain_ids = {}  # id of pytest that has an address -> the same without it
_rootdir = None  # pytest's, unless it is the working directory
_paths = {}  # relative to it -> relative to the working directory


def reported_id(nodeid):
    """The id as it is reported: without addresses, relative to the working directory."""
    if _MARK in nodeid:
        nodeid = _plain_id(nodeid)
    return nodeid if _rootdir is None else _from_here(nodeid)


def _plain_id(nodeid):
    """The id without the addresses of its parameters."""
    if _MARK not in nodeid:
        return nodeid
    return _plain_ids.get(nodeid) or _ADDRESS.sub(" at 0x…", nodeid)


def _from_here(nodeid):
    path, separator, names = nodeid.partition("::")
    if path not in _paths:
        _paths[path] = os.path.relpath(os.path.join(_rootdir, path)).replace(os.sep, "/")
    return _paths[path] + separator + names


def place_in_rootdir(config):
    """The working directory, relative to pytest's rootdir; empty if it is the same."""
    global _rootdir
    rootdir = os.path.realpath(str(getattr(config, "rootpath", None) or config.rootdir))
    here = os.path.realpath(os.getcwd())
    _rootdir = None if rootdir == here else rootdir
    return "" if _rootdir is None else os.path.relpath(here, rootdir).replace(os.sep, "/")


def _without(text):
    """The text without addresses and without the numbers in their place."""
    return _ANY.sub(" at 0x…", text)


def _assign_ids(nodeids):
    """Assigns ids to all that one collector has found, whatever of it is run."""
    times = {}
    for nodeid in nodeids:
        if _MARK not in nodeid:
            continue
        plain = _ADDRESS.sub(" at 0x…", nodeid)
        times[plain] = times.get(plain, 0) + 1
        number = "" if times[plain] == 1 else "%d" % times[plain]
        _plain_ids.setdefault(nodeid, plain.replace(" at 0x…", " at 0x…" + number, 1))


class _LastFailed:
    """pytest's record of failures: with ids of this process in use, without addresses on disk."""

    def __init__(self, plugin):
        self.record = getattr(plugin, "lastfailed", None)
        self.old = {str(key): key for key in self.record or () if _MARK in str(key)}

    def translate(self, children):
        """Replaces recorded ids by current ones. An address of another process fits any of ours."""
        for child in children if self.old else ():
            reported = _plain_id(child.nodeid)
            plain = _without(reported)
            fitting = [
                one
                for one in self.old
                if one == reported or (_HEX.search(one) and _without(one) == plain)
            ]
            for one in fitting:
                self.record.pop(self.old[one], None)
            if fitting:
                keys_are_text = all(isinstance(key, str) for key in self.old.values())
                self.record[child.nodeid if keys_are_text else child.id] = True

    @staticmethod
    def clean(cache):
        """Removes the addresses after pytest has written it."""
        saved = cache.get("cache/lastfailed", {})
        plain = {_plain_id(nodeid): failed for nodeid, failed in saved.items()}
        if plain != saved:
            cache.set("cache/lastfailed", plain)


class _Collected:
    """Assigns ids to what is collected, and keeps the parameters that the command line names."""

    def __init__(self, wanted, last_failed):
        self.last_failed = last_failed
        self.wanted = wanted  # (file, function) -> parameters as typed -> whether they were found
        self.failed = False

    # Innermost: the wrappers around it, such as --lf, need the ids.
    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_make_collect_report(self, collector):
        outcome = yield
        try:
            report = outcome.get_result()
            self.failed = self.failed or report.failed
            _assign_ids([child.nodeid for child in report.result or ()])
            if self.wanted:
                report.result[:] = [child for child in report.result if self._is_wanted(child)]
            self.last_failed.translate(report.result or ())
        except Exception:
            pass

    def _is_wanted(self, child):
        function, bracket, parameters = child.nodeid.partition("[")
        path = getattr(child, "path", None) or child.fspath
        typed = self.wanted.get((os.path.abspath(str(path)), function.partition("::")[2]))
        if typed is None or not bracket:
            return True
        here = bracket + parameters
        reported = _plain_id(child.nodeid)[len(function):]
        plain = _without(here)
        found = [
            one
            for one in typed
            if one in (here, reported) or (not _NUMBERED.search(one) and _without(one) == plain)
        ]
        typed.update((one, True) for one in found)
        return bool(found)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self):
        """Refuses tests that do not exist, as pytest does."""
        missing = [
            "%s::%s%s" % (path, function, one)
            for (path, function), typed in self.wanted.items()
            for one in typed
            if not typed[one]
        ]
        if missing and not self.failed:
            raise pytest.UsageError(*["not found: %s" % each for each in missing])


def _named_by_address(config):
    """Takes parameters with addresses out of the command line; returns them, by function."""
    has_directory = hasattr(config, "invocation_params")
    directory = str(config.invocation_params.dir) if has_directory else os.getcwd()

    def key(argument):
        path, _, function = argument.partition("[")[0].partition("::")
        return os.path.abspath(os.path.join(directory, path)), function

    wanted = {}
    for argument in config.args:
        base, bracket, parameters = argument.partition("[")
        if "::" in base and _MARK in parameters:
            wanted[key(argument)] = {}
    if not wanted:
        return {}
    kept = {}
    for argument in config.args:
        base, bracket, parameters = argument.partition("[")
        typed = wanted.get(key(argument))
        if typed is not None and bracket:
            typed[bracket + parameters] = False
        kept[base if typed is not None else argument] = typed is not None and bool(bracket)
    plain = [key(argument) for argument, narrowed in kept.items() if not narrowed]
    covered = [one for one in wanted if any(_covers(each, one) for each in plain)]
    for one in covered:
        del wanted[one]
    config.args[:] = [one for one, narrowed in kept.items() if not narrowed or key(one) in wanted]
    return wanted


def _covers(outer, inner):
    """Whether all of the inner is in the outer: (path, names of the nodes)."""
    if outer[1] == "":
        return inner[0] == outer[0] or inner[0].startswith(outer[0] + os.sep)
    return inner[0] == outer[0] and (inner[1] == outer[1] or inner[1].startswith(outer[1] + "::"))


def install_ids(config):
    # Workers of pytest-xdist collect for themselves, without this.
    has_workers = bool(config.getoption("numprocesses", None))
    by_workers = config.getoption("dist", "no") != "no" or has_workers
    wanted = {} if by_workers else _named_by_address(config)
    last_failed = _LastFailed(config.pluginmanager.get_plugin("lfplugin"))
    config.pluginmanager.register(_Collected(wanted, last_failed), "tractest-ids")


def clean_last_failed(config):
    """Removes the addresses from the record of failures that pytest has written."""
    if getattr(config, "cache", None) is not None and not config.getoption("cacheshow", None):
        _LastFailed.clean(config.cache)
