"""A queue of tests that several sessions share."""
import json
import os

import pytest

from .environment import OWNER, getpid, getppid, queue_directory, sleep
from .event_file import write
from .test_ids import reported_id

CHUNK = 500  # ids on one line


def _write_items(items):
    """Writes what was collected, with groups that need one process. False if that failed."""
    rows = [{"id": reported_id(item.nodeid), "group": group} for item, group in _grouped(items)]
    for start in range(0, max(1, len(rows)), CHUNK):
        if not write("items", items=rows[start:start + CHUNK], last=start + CHUNK >= len(rows)):
            return False
    return True


def _grouped(items):
    """Each item with the id of the first that it shares a fixture of a wider scope with."""
    first = {}  # fixture -> the index of an item that uses it
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
    return [(item, reported_id(items[find(i)].nodeid)) for i, item in enumerate(items)]


def _shared(item):
    """Names the item's fixtures that several tests share. Each process has those of a session."""
    path = item.nodeid.split("::", 1)[0]
    by_name = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    for definition in (one for definitions in by_name.values() for one in definitions):
        scope = getattr(definition, "scope", "function")
        if scope == "package":
            yield id(definition)
        elif scope == "module":
            yield id(definition), path
        elif scope == "class" and getattr(item, "cls", None) is not None:
            yield id(definition), item.getparent(pytest.Class).nodeid


class _Queue:
    """Groups of ids, a line each in a file that grows, and a counter of those that were claimed."""

    def __init__(self, directory):
        self.directory = directory
        self.parent = getppid()
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
        """Waits for the order of the tests; false if the run ends before."""
        while not os.path.exists(self.path("groups.jsonl")):
            if self.stopped():
                return False
            sleep(0.005)
        return True

    def stopped(self):
        """Whether the run was stopped, or tractest is gone."""
        return getppid() != self.parent or os.path.exists(self.path("stop"))

    def claim(self):
        """The next group; None if there is none."""
        if getpid() != OWNER:
            return None  # a fork that went on where its test returned: it reports nothing
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
        write("claimed", index=index)
        return self.groups[index]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """Like pytest's own, but takes the tests from the queue."""
    if queue_directory is None or getpid() != OWNER:
        return None
    could_write = _write_items(session.items)
    option = session.config.option
    if session.testsfailed and not option.continue_on_collection_errors:
        plural = "" if session.testsfailed == 1 else "s"
        raise session.Interrupted("%d error%s during collection" % (session.testsfailed, plural))
    if option.collectonly:
        return True
    if session.config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "several pytests that share their tests can't use workers of pytest-xdist too: "
            "leave out -n, or --jobs and --shard"
        )
    if not could_write:
        # tractest would not know that this session waits for tests.
        raise pytest.UsageError(
            "no tests were run, because the file of events could not be written: "
            "is the disk full?"
        )
    queue = _Queue(queue_directory)
    if not queue.wait():
        return True
    items = {}
    for item in session.items:
        items.setdefault(reported_id(item.nodeid), []).append(item)
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
        """The next item, for which a group is claimed if necessary; None if there is none."""
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
        """The item by which pytest decides which fixtures to tear down."""
        return self.claimed[0] if self.claimed else _Following(self)


class _Following:
    """The item after the last of a group, claimed only when pytest asks for it, at the teardown.

    Until then other sessions may take it.
    """

    def __init__(self, upcoming):
        self._upcoming = upcoming

    def listchain(self):
        item = self._upcoming.peek()
        return [] if item is None else item.listchain()

    def __getattr__(self, name):
        return getattr(self._upcoming.peek(), name)
