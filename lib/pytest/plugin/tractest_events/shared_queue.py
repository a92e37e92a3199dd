"""A queue of tests that several sessions share."""
import json
import os

import pytest

from .environment import OWNER, PARENT, getpid, getppid, now, queue_directory, session_name, sleep
from .event_file import encode, line_of, send, write
from .shared_fixtures import rows_of
from .test_ids import reported_id

CHUNK = 500  # ids on one line
_WORTH_MS = 50  # less is not worth another set-up of a fixture
_MOST_BYTES = 1 << 16  # more than the record of what was claimed ever has
_CLAIMED = line_of("claimed", '"index": %d')
# Tests may replace these.
_open_low, _close, _read_at, _write_at = os.open, os.close, os.pread, os.pwrite


def _write_items(items):
    """Writes what was collected, and what tests share. False if that failed."""
    rows = rows_of(items)
    for start in range(0, max(1, len(rows)), CHUNK):
        if not write("items", items=rows[start:start + CHUNK], last=start + CHUNK >= len(rows)):
            return False
    return True


class _Queue:
    """Blocks of groups of tests, a line each in a file that grows, and what was claimed of them.

    A session takes the groups of a block one after another, then the next block. When all blocks
    are taken, it takes a part of what another one has left of its block.
    """

    def __init__(self, directory):
        self.directory = directory
        self.stop = self.path("stop")
        self.groups = []  # of all blocks: the ids of their tests
        self.costs = []  # for each group what it takes, and what it costs to divide before it
        self.blocks = []  # for each block its first group and the one after its last
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
                block = json.loads(line)
                self.blocks.append((len(self.groups), len(self.groups) + len(block["groups"])))
                self.groups.extend(block["groups"])
                self.costs.extend(zip(block["ms"], block["cuts"]))

    def wait(self):
        """Waits for the order of the tests; false if the run ends before."""
        while not os.path.exists(self.path("groups.jsonl")):
            if self.stopped():
                return False
            sleep(0.005)
        return True

    def stopped(self):
        """Whether the run was stopped, or tractest is gone."""
        return getppid() != PARENT or os.path.exists(self.stop)

    def claim(self):
        """The next group; None if there is none."""
        if getpid() != OWNER:
            return None  # a fork that went on where its test returned: it reports nothing
        import fcntl

        # Opened each time: a test may have closed all descriptors.
        file = _open_low(self.path("claimed"), os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = _read_at(file, _MOST_BYTES, 0)
            taken, rests = json.loads(before)
            if session_name not in rests:
                if taken >= len(self.blocks):
                    self.load()
                if taken < len(self.blocks):
                    rests[session_name] = self.blocks[taken]
                    taken += 1
                elif not self.divide(rests):
                    return None
            index, end = rests.pop(session_name)
            if index + 1 < end:
                rests[session_name] = (index + 1, end)
            # Never truncated: for some file systems that is slower than the tests are.
            after = encode((taken, rests)).encode("ascii").ljust(len(before))
            _write_at(file, after, 0)
        finally:
            _close(file)
        send(_CLAIMED % (now(), index))
        return self.groups[index]

    def divide(self, rests):
        """Takes the last part of what another session has left; false if nothing is worth it."""
        for name in sorted(rests, key=lambda one: self.lasts(*rests[one]), reverse=True):
            start, end = rests.pop(name)
            at = self.cut(start, end)
            if at > start:
                rests[name] = (start, at)
            if at < end:
                rests[session_name] = (at, end)
                return True
        return False

    def lasts(self, start, end):
        return sum(ms for ms, _ in self.costs[start:end])

    def cut(self, start, end):
        """Where to divide groups: near the middle, with the fewest fixtures to be made again."""
        whole = self.lasts(start, end)
        later, best = 0, None
        for index in range(end - 1, start if end - start > 1 else start - 1, -1):
            ms, again = self.costs[index]
            later += ms
            off_middle = abs(later - whole / 2)
            is_near = off_middle <= whole / 4
            choice = (not is_near, again if is_near else 0, off_middle, index, again, later)
            best = choice if best is None else min(best, choice)
        _, _, _, index, again, later = best
        return end if again > 0 and later < _WORTH_MS else index


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
