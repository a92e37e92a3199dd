"""Writes what a pytest session does as JSON lines, one per event, to the file that TRACTEST_EVENTS names.

PYTEST_DONT_REWRITE: nothing here asserts.

It is loaded through PYTEST_PLUGINS, by tractest_plugin, so that the command line stays what a person would type, and leaves no trace once it is loaded:
the variables and the entry of sys.path that brought it here are restored, so that no process that a test starts inherits them. TRACTEST_RUN stays:
by it is known later what the tests of the run have started.
Only the process that loaded it writes; a fork of it is silent. No failure in here may ever fail a test.

Where TRACTEST_QUEUE names a directory, the session runs what the queue there hands out instead of all that it collected; else it tells
which tests it is going to run.
"""
import errno
import json
import os
import re
import sys
import time
import traceback

import pytest

# Loaded now: below, the entry of sys.path that it is found by is taken out.
import tractest_ids as _ids
from tractest_ids import reported_id as _id

_SCHEMA = "tractest.events/1"
# What a test replaces for good (a clock that stands still, a stand-in for os.write) is not what reports are written with.
_now, _getpid, _getppid, _os_write, _sleep = time.time, os.getpid, os.getppid, os.write, time.sleep
_OWNER = _getpid()
_LIMIT = 4000  # characters of a message or a traceback


def _restore(variable, ours, separator):
    """Takes our entry out of a list variable, and the variable away when nothing else is in it. An empty entry stays: in PYTHONPATH it means a place."""
    kept = [part for part in os.environ.get(variable, ours).split(separator) if part != ours]
    if kept:
        os.environ[variable] = separator.join(kept)
    else:
        os.environ.pop(variable, None)


_queue_directory = os.environ.pop("TRACTEST_QUEUE", None)
_session = os.environ.pop("TRACTEST_SESSION", None)
_isolated = os.environ.pop("TRACTEST_ISOLATED", None)
_tells_tests = _queue_directory is None


_path = os.environ.pop("TRACTEST_EVENTS", None)
_HIGH = 900  # a descriptor that few tests come to which close theirs, and that no file of theirs gets afterwards


def _open(flags=0):
    """The descriptor of the events; None if they can't be written."""
    try:
        low = os.open(_path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | flags, 0o600)
    except OSError:
        return None
    try:
        import fcntl

        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except (ImportError, AttributeError, OSError):
        return low
    os.close(low)
    return high


def _begin():
    here = os.path.dirname(os.path.abspath(__file__))
    _restore("PYTEST_PLUGINS", "tractest_plugin", ",")
    _restore("PYTHONPATH", here, os.pathsep)
    sys.path[:] = [entry for entry in sys.path if entry != here]
    return _open(os.O_CREAT) if _path else None


_file = _begin()


# Made once: json.dumps would make another one for each line. ASCII: an id with a lone surrogate or a line separator stays one valid line.
_encode = json.JSONEncoder(default=str).encode


_held = None  # values for _PASSED of a report that nobody needs before the next line, with which it is written


_last_line = time.time()  # when the last line was written


def _send(line):
    """Written at once: a run that is killed loses nothing that it reported."""
    global _held, _file, _last_line
    if _file is None or _getpid() != _OWNER:
        return
    _last_line = _now()
    if _held is not None:
        line = _PASSED % _held + line
        _held = None
    rest = line.encode("ascii")
    while rest:
        try:
            rest = rest[_os_write(_file, rest):]
        except OSError as error:
            # A test has closed all that is open.
            if error.errno != errno.EBADF:
                raise
            _file = _open()
            if _file is None:
                return


def _write(event, **fields):
    """One line of any kind; whether it could be written."""
    try:
        head = {"schema": _SCHEMA, "event": event, "time": round(_now(), 3)}
        if _session is not None:
            head["session"] = _session
        head.update(fields)
        _send(_encode(head) + "\n")
    except Exception:
        return False
    return True


def _line(event, fields):
    """The pattern of a line that there is for each test, for its time, its id and `fields`: what _write would make of it takes longer."""
    session = "" if _session is None else '"session": %s, ' % _encode(_session).replace("%", "%%")
    return '{"schema": "%s", "event": "%s", "time": %%.3f, %s"id": %%s, %s}\n' % (_SCHEMA, event, session, fields)


_TEST_START = _line("test-start", '"file": %s, "line": %s')
_PASSED = _line("report", '"phase": "%s", "outcome": "passed", "category": "%s", "seconds": %.4f')


def _around(**options):
    """Marks the wrapper of a hook: in the newer way where there is one, for pluggy takes less time over it."""
    try:
        return pytest.hookimpl(wrapper=True, **options)
    except TypeError:
        return pytest.hookimpl(hookwrapper=True, **options)


_quoted = ("", '""')  # an id of pytest and what is told for it: most come several times in a row


def _quoted_id(nodeid):
    global _quoted
    if _quoted[0] is not nodeid:
        _quoted = (nodeid, _encode(_id(nodeid)))
    return _quoted[1]


def _clip(text, tail=False):
    text = str(text)
    if len(text) <= _LIMIT:
        return text
    return "…" + text[-_LIMIT:] if tail else text[:_LIMIT] + "…"


def _clip_middle(text):
    """Both ends of a message: the last line of one that came from another process is the one that says why."""
    text = str(text)
    return text if len(text) <= _LIMIT else "%s\n…\n%s" % (text[:_LIMIT // 2], text[-_LIMIT // 2:])


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
    # tractor's RemoteActorError tells what was raised in the other process, and what it came through on its way. A class that is not
    # known here is told by its name alone.
    for kind, text in (("boxed_type", ""), ("src_type", "src_type_str")):
        remote = getattr(error, kind, None)
        remote = _name(remote) if isinstance(remote, type) else getattr(error, text, None) if text else None
        if isinstance(remote, str) and remote and remote not in seen:
            seen.append(remote)
    return _classes(error.__cause__, seen) if error.__cause__ is not error else seen


def _leaves(error):
    """The errors that an error groups, or itself."""
    inner = getattr(error, "exceptions", None)
    if not inner:
        yield error
    for one in inner or ():
        if isinstance(one, BaseException):
            yield from _leaves(one)


_NODE_TEARDOWN = ("teardown_exact", "_teardown_with_finalization", "_callfinalizers")  # of pytest's that ends fixtures, and whatever else is to end


def _torn_scope(error):
    """The scope of the fixture that was torn down when an error was raised: None where there was none, "" where that can't be seen."""
    scope = None
    step = error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_name
        if name in _NODE_TEARDOWN:
            scope = ""
        elif name == "finish":
            fixture = step.tb_frame.f_locals.get("self")
            if isinstance(getattr(fixture, "scope", None), str) and hasattr(fixture, "argname"):
                scope = fixture.scope
        step = step.tb_next
    return scope


def _scope(error, when):
    """Whose fixture an error is of: of a teardown "function" only if all of it is sure to be the test's own; else what is wider."""
    scopes = [_torn_scope(leaf) for leaf in _leaves(error)]
    wider = [scope for scope in scopes if scope not in (None, "", "function")]
    if wider:
        return wider[0]
    return "function" if when == "teardown" and "" not in scopes else None


_errors = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    """Only looks: the report itself is made by pytest."""
    try:
        if call.excinfo is not None:
            error = call.excinfo.value
            _errors[(item.nodeid, call.when)] = {"errors": _classes(error, []), "scope": _scope(error, call.when)}
    except Exception:
        pass


def _where(representation, crash):
    """The innermost line of the failure that is the project's own; what a library raised starts there."""
    root = _root or os.getcwd()
    found = None
    if crash is not None:
        path = os.path.abspath(str(crash.path))
        found = "%s:%s" % (os.path.relpath(path, root) if path.startswith(root + os.sep) else path, crash.lineno)
    for entry in getattr(getattr(representation, "reprtraceback", None), "reprentries", None) or ():
        place = getattr(entry, "reprfileloc", None)
        if place is None:
            continue
        path = os.path.abspath(str(place.path))
        if path.startswith(root + os.sep) and "site-packages" not in path:
            found = "%s:%s" % (os.path.relpath(path, root), place.lineno)
    return found


def _failure(report, known):
    """The crash line, the message and the end of the traceback of a failed report."""
    representation = report.longrepr
    crash = getattr(representation, "reprcrash", None)
    message = getattr(crash, "message", None)
    text = getattr(report, "longreprtext", None) or str(representation or "")
    if message is None:
        lines = [line for line in text.splitlines() if line.strip()]
        errors = [line[1:].strip() for line in lines if line.startswith("E ")]
        message = errors[0] if errors else lines[-1] if lines else ""
    fields = {"message": _clip_middle(message), "where": _where(representation, crash), "traceback": _clip(text, tail=True), "errors": known.get("errors", [])}
    for name, value in (("output", _output(report)), ("scope", known.get("scope"))):
        if value:
            fields[name] = value
    return fields


def _output(report):
    """The end of what the test wrote, under pytest's headings, as far as --show-capture lets it be seen."""
    chosen = getattr(getattr(_config, "option", None), "showcapture", "all")
    if chosen == "no":
        return ""
    sections = [(title, text) for title, text in getattr(report, "sections", ()) if chosen == "all" or chosen in title]
    return _clip("\n".join("--- %s ---\n%s" % section for section in sections), tail=True)


# What a test leaves behind: children of this process that were not there before, and that no fixture of a wider scope has started.


_ANY_CHILD = getattr(os, "WEXITED", 0) | getattr(os, "WNOHANG", 0) | getattr(os, "WNOWAIT", 0)


def _has_children():
    """Whether this process has any, ended or not; true where the system does not tell. It collects none of them."""
    try:
        os.waitid(os.P_ALL, 0, _ANY_CHILD)
    except ChildProcessError:
        return False
    except (AttributeError, OSError):
        pass
    return True


def _children():
    """The pids of this process's children; an empty set where the system does not tell.

    In a pid namespace of its own those that lost their parent are among them: the first process there has adopted them.
    """
    found = set()
    try:
        # One question instead of a directory and a file for each thread: most tests start nothing.
        for thread in os.listdir("/proc/self/task") if _has_children() else ():
            with open("/proc/self/task/%s/children" % thread) as file:
                found.update(file.read().split())
        if _isolated is not None:
            with open("/proc/1/task/1/children") as file:
                found.update(file.read().split())
            found.difference_update(_ANCESTRY)
    except OSError:
        pass
    return found


def _ancestry():
    """The pids of this process and of those above it."""
    found = set()
    pid = _OWNER
    while pid > 0 and str(pid) not in found:
        found.add(str(pid))
        try:
            with open("/proc/%d/stat" % pid) as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            break
    return found


_ANCESTRY = _ancestry() if _isolated is not None else set()


_reported = set()  # children that were told, and are not to be told again
_of_fixtures = {}  # fixture definition -> children that it started


@_around()
def pytest_fixture_setup(fixturedef, request):
    if fixturedef.scope == "function":
        try:
            return (yield)
        finally:
            _fixture_ended(fixturedef, "setup")
    before = _children()
    try:
        return (yield)
    finally:
        started = _children() - before
        if started:
            _of_fixtures[fixturedef] = started
        _fixture_ended(fixturedef, "setup")


def pytest_fixture_post_finalizer(fixturedef, request):
    _of_fixtures.pop(fixturedef, None)
    _fixture_ended(fixturedef, "teardown")


_SLOW_FIXTURE_SECONDS = 1.0


def _fixture_ended(fixturedef, phase):
    """Shows that the session goes on, where a slow fixture is all that it does."""
    if time.time() - _last_line > _SLOW_FIXTURE_SECONDS:
        _write("fixture", name=str(getattr(fixturedef, "argname", "")), phase=phase)


def pytest_runtest_logfinish(nodeid, location):
    try:
        children = _children()
        if not (children or _reported):
            return
        # A pid that is gone may come again.
        _reported.intersection_update(children)
        left = children.difference(_reported, *_of_fixtures.values())
        if left:
            _reported.update(left)
            _write("children", id=_id(nodeid), pids=sorted(int(pid) for pid in left))
    except Exception:
        pass


def _skip_reason(report):
    representation = report.longrepr
    if isinstance(representation, tuple) and len(representation) == 3:
        return str(representation[2])
    return getattr(report, "wasxfail", None) or None


# A queue of tests that several sessions share.

_CHUNK = 500  # items on one line


def _write_tests(nodeids):
    """What is going to run: once, although each worker of pytest-xdist tells the same."""
    global _tells_tests
    if not _tells_tests or getattr(getattr(_config, "option", None), "collectonly", False):
        return
    _tells_tests = False
    for start in range(0, len(nodeids), _CHUNK):
        _write("tests", ids=[_id(nodeid) for nodeid in nodeids[start:start + _CHUNK]])


def _write_items(items):
    """What was collected, and what of it has to stay in one process, in order; whether all of it could be written."""
    groups = _groups(items)
    rows = [{"id": _id(item.nodeid), "group": group} for item, group in zip(items, groups)]
    for start in range(0, max(1, len(rows)), _CHUNK):
        if not _write("items", items=rows[start:start + _CHUNK], last=start + _CHUNK >= len(rows)):
            return False
    return True


def _groups(items):
    """For each item the id of the first one that it shares a fixture of a wider scope with, directly or through others; else its own."""
    first = {}  # fixture -> an item that uses it
    leader = list(range(len(items)))

    def find(index):
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for index, item in enumerate(items):
        for fixture in _shared(item):
            one, other = sorted((find(first.setdefault(fixture, index)), find(index)))
            leader[other] = one
    return [_id(items[find(index)].nodeid) for index in range(len(items))]


def _shared(item):
    """What names the fixtures of an item that are made once for several. One of the session is made once in each process."""
    path = item.nodeid.split("::", 1)[0]
    for definitions in getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).values():
        for definition in definitions:
            scope = getattr(definition, "scope", "function")
            if scope == "package":
                yield id(definition)
            elif scope == "module":
                yield id(definition), path
            elif scope == "class" and getattr(item, "cls", None) is not None:
                yield id(definition), item.getparent(pytest.Class).nodeid


class _Queue:
    """Groups of ids in a file that grows, a line each, and a counter of those that were claimed."""

    def __init__(self, directory):
        self.directory = directory
        self.parent = _getppid()
        self.groups = []
        self.read = 0

    def path(self, name):
        return os.path.join(self.directory, name)

    def load(self):
        with open(self.path("groups.jsonl"), "rb") as file:
            file.seek(self.read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.read += len(line)
                self.groups.append(json.loads(line))

    def wait(self):
        """Until the order of the tests is known; false if nobody is there any more who could tell."""
        while not os.path.exists(self.path("groups.jsonl")):
            if self.stopped():
                return False
            _sleep(0.005)
        return True

    def stopped(self):
        """Whether nothing more is to be run, or nobody is there any more who would want to know."""
        return _getppid() != self.parent or os.path.exists(self.path("stop"))

    def claim(self):
        """The next group that nobody else has; None if there is none."""
        if _getpid() != _OWNER:
            return None  # a fork that goes on where the test returns: what it ran would be reported by nobody
        import fcntl

        with open(self.path("claimed"), "a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            index = int(file.read() or "0")
            if index >= len(self.groups):
                self.load()
            if index >= len(self.groups):
                return None
            file.truncate(0)
            file.write(str(index + 1))
        _write("claimed", index=index)
        return self.groups[index]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """As pytest's own, except that the tests come from the queue."""
    if _queue_directory is None or _getpid() != _OWNER:
        return None
    could_write = _write_items(session.items)
    if session.testsfailed and not session.config.option.continue_on_collection_errors:
        raise session.Interrupted("%d error%s during collection" % (session.testsfailed, "" if session.testsfailed == 1 else "s"))
    if session.config.option.collectonly:
        return True
    if session.config.getoption("dist", "no") != "no":
        raise pytest.UsageError("several pytests that share their tests can't have workers of pytest-xdist besides: leave out -n, or --jobs and --shard")
    if not could_write:
        # Nobody would know that it waits for its tests.
        raise pytest.UsageError("the file of events could not be written, and no test is run without it: is the disk full?")
    queue = _Queue(_queue_directory)
    if not queue.wait():
        return True
    items = {}
    for item in session.items:
        items.setdefault(_id(item.nodeid), []).append(item)
    upcoming = _Upcoming(queue, items)
    while True:
        item = upcoming.take()
        if item is None:
            return True
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=upcoming.following())
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        if queue.stopped():
            return True


class _Upcoming:
    """The items of the groups that this session claims, one group after another."""

    def __init__(self, queue, items):
        self.queue = queue
        self.items = items
        self.claimed = []

    def peek(self):
        """The next item, for which a group is claimed if need be; None if there is none."""
        while not self.claimed:
            group = self.queue.claim()
            if group is None:
                return None
            for nodeid in group:
                self.claimed.extend(self.items.pop(nodeid, ()))
        return self.claimed[0]

    def take(self):
        item = self.peek()
        if item is not None:
            del self.claimed[0]
        return item

    def following(self):
        """For pytest, which tears down what the next item does not need."""
        return self.claimed[0] if self.claimed else _Following(self)


class _Following:
    """The item after the last one of a group. It is claimed when pytest has to know it, at the teardown: as long as a test runs, others may have it."""

    def __init__(self, upcoming):
        self._upcoming = upcoming

    def listchain(self):
        item = self._upcoming.peek()
        return [] if item is None else item.listchain()

    def __getattr__(self, name):
        return getattr(self._upcoming.peek(), name)


_warnings = 0
_deselected = 0
_config = None
_root = None


def _booted():
    """When the clock began by which the kernel says when a process started, in seconds since the epoch; None where the system does not tell."""
    try:
        return round(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME), 3)
    except (AttributeError, OSError):
        return None


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
            cache=_cache,
            maxfail=int(session.config.getoption("maxfail", 0) or 0),
            booted=_booted(),
        )
        _by_id[:] = [argument for argument in session.config.args if "::" in argument]
    except Exception:
        pass


_by_id = []  # tests that were asked for by their ids
_offered = {}  # ids that were found where these were looked for


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector):
    outcome = yield
    try:
        if _by_id and len(_offered) < _OFFERED:
            _offered.update((_id(child.nodeid), None) for child in outcome.get_result().result if "::" in child.nodeid)
    except Exception:
        pass


_OFFERED = 1000  # ids that are worth a look


@_around()
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
        cause = getattr(error, "cause", None) or (getattr(error, "excinfo", None) or (None, None))[1]
        if path is None or cause is None:
            return
        root = os.getcwd() + os.sep
        own = [frame for frame in traceback.extract_tb(cause.__traceback__) if os.path.abspath(frame.filename).startswith(root)]
        frames = [frame for frame in own if "site-packages" not in frame.filename] or own
        message = "%s: %s" % (type(cause).__name__, cause)
        _write(
            "collection-error",
            id=os.path.relpath(str(path)),
            message=_clip(message),
            where="%s:%s" % (os.path.relpath(frames[-1].filename), frames[-1].lineno) if frames else None,
            traceback=_clip("".join(traceback.format_list(own)) + message, tail=True),
            errors=_classes(cause, []),
        )
    except Exception:
        pass


_cache = None


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    """What one of several sessions knows of failures is a part only: it goes to a cache of its own, and tractest joins them."""
    global _cache
    try:
        _ids.install(config)
        cache = getattr(config, "cache", None)
        directory = getattr(cache, "_cachedir", None)
        _cache = None if directory is None else str(directory)
        if _queue_directory is not None and directory is not None:
            cache._cachedir = type(directory)(_queue_directory) / ("cache-%s" % _session)
    except Exception:
        pass


def pytest_deselected(items):
    global _deselected
    _deselected += len(items)


def pytest_collection_finish(session):
    try:
        # What an import or the configuration has started is no test's.
        _reported.update(_children())
        _write("collected", count=len(session.items), deselected=_deselected)
        _write_tests([item.nodeid for item in session.items])
    except Exception:
        pass


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node, ids):
    _write("collected", count=len(ids), deselected=0)
    _write_tests(ids)


def pytest_collectreport(report):
    try:
        if report.failed:
            _write("collection-error", id=report.nodeid, **_failure(report, {}))
        elif report.skipped:
            _write("collection-skip", id=report.nodeid, message=_clip(_skip_reason(report) or ""))
    except Exception:
        pass


_quoted_file = ("", '""')  # as _quoted: most tests come after another one of their file


def pytest_runtest_logstart(nodeid, location):
    global _quoted_file
    try:
        file, line, _ = location
        if _quoted_file[0] != file:
            _quoted_file = (file, _encode(file))
        _send(_TEST_START % (_now(), _quoted_id(nodeid), _quoted_file[1], "null" if line is None else int(line)))
    except Exception:
        pass


_TEST_REPORT = getattr(pytest, "TestReport", None)
_COUNTING = ("pytest_report_teststatus",)
_AFTER_TEARDOWN = ("pytest_runtest_logreport", "pytest_runtest_logfinish", "pytest_runtest_protocol", "pytest_runtestloop")
_counted_by_pytest = None  # whether only pytest itself says what a report counts as; None until it has been looked
_followed_by_pytest = None  # whether with nobody else in between the next test, or the end of the session, follows a teardown


def pytest_plugin_registered(plugin):
    global _counted_by_pytest
    _counted_by_pytest = None


def _look_for_others():
    global _counted_by_pytest, _followed_by_pytest
    _counted_by_pytest, _followed_by_pytest = _are_left_to_pytest(_COUNTING), _are_left_to_pytest(_AFTER_TEARDOWN)


def _are_left_to_pytest(names):
    """Whether pytest's own implementations of some hooks, and ours, are all that there are."""
    functions = [one.function for name in names for one in getattr(_config.hook, name).get_hookimpls()]
    modules = [getattr(function, "__module__", None) or "" for function in functions]
    return all(module == __name__ or module.startswith("_pytest.") for module in modules)


def _category(report):
    """What pytest's summary counts the report as: "passed", "failed", "error", "skipped", "xfailed", "xpassed", or "" for nothing."""
    try:
        return _config.hook.pytest_report_teststatus(report=report, config=_config)[0]
    except Exception:
        if report.failed:
            return "failed" if report.when == "call" else "error"
        return report.outcome if report.when == "call" or report.skipped else ""


_HOLD_SECONDS = 0.05  # a setup that took less says nothing that has to be known before the call is over


def pytest_runtest_logreport(report):
    global _held
    try:
        known = _errors.pop((report.nodeid, report.when), None) if _errors else None
        if report.outcome == "passed" and type(report) is _TEST_REPORT and "wasxfail" not in report.__dict__:
            if _counted_by_pytest is None:
                _look_for_others()
            # What most reports are: it is known what pytest counts them as, and most can wait for the next line, for that comes at once.
            if _counted_by_pytest:
                when = report.when
                if when == "call":
                    _send(_PASSED % (_now(), _quoted_id(report.nodeid), when, "passed", report.duration))
                    return
                if when == "teardown" and report.user_properties:
                    _write_report(report, "", {})
                    return
                if _held is not None:
                    _send("")
                _held = (_now(), _quoted_id(report.nodeid), when, "", report.duration)
                if not (_followed_by_pytest if when == "teardown" else report.duration < _HOLD_SECONDS):
                    _send("")
                return
        fields = _failure(report, known or {}) if report.failed else {}
        if report.skipped:
            fields["message"] = _clip(_skip_reason(report) or "")
        _write_report(report, _category(report), fields)
    except Exception:
        pass


def _write_report(report, category, fields):
    if report.when == "teardown" and getattr(report, "user_properties", None):
        fields["properties"] = [[str(name), _clip(value)] for name, value in report.user_properties]
    if type(report) is not _TEST_REPORT and hasattr(report, "context"):
        fields["subtest"] = _subtest(report)
    _write(
        "report",
        id=_id(report.nodeid),
        phase=report.when,
        outcome=report.outcome,
        category=category,
        seconds=round(report.duration, 4),
        **fields
    )


def _subtest(report):
    """What a part of a test calls itself, of pytest's own subtests or of the plugin's."""
    for name in ("_sub_test_description", "sub_test_description"):
        if hasattr(report, name):
            return _clip(getattr(report, name)())
    return ""


@pytest.fixture(scope="session")
def record_testsuite_property(record_testsuite_property):
    """As pytest's own, and tells what is recorded."""

    def record(name, value):
        record_testsuite_property(name, value)
        _write("suite-property", name=name, value=_clip(value))

    return record


_WARNINGS_TOLD = 200


def pytest_warning_recorded(warning_message, when, nodeid, location):
    global _warnings
    _warnings += 1
    try:
        if _warnings <= _WARNINGS_TOLD:
            where = "%s:%s" % (warning_message.filename, warning_message.lineno)
            _write("warning", id=_id(nodeid), category=_name(warning_message.category), message=_clip(warning_message.message), where=where)
    except Exception:
        pass


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


@_around(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Innermost: pytest's summary comes after it."""
    try:
        # The last test is over, whatever others do now.
        _send("")
    except Exception:
        pass
    result = yield
    try:
        _ids.finish(session.config)
    except Exception:
        pass
    try:
        # pytest names the test that is not there, not those that are.
        offered = {"offered": list(_offered)[:_OFFERED]} if int(exitstatus) == 4 and _offered else {}
        failed = int(getattr(session, "testsfailed", 0))
        # As others have left it by now.
        status = int(getattr(session, "exitstatus", exitstatus))
        _write("session-finish", exitStatus=status, failed=failed, warnings=_warnings, deselected=_deselected, **offered)
    except Exception:
        pass
    return result
