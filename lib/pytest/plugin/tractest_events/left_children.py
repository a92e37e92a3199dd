"""What a test leaves behind: new children of pytest that no fixture of a wider scope started."""
import os

from .environment import Known, OWNER, is_isolated
from .event_file import around, fixture_ended, write
from .test_ids import reported_id

_ANY_CHILD = getattr(os, "WEXITED", 0) | getattr(os, "WNOHANG", 0) | getattr(os, "WNOWAIT", 0)


def _has_children():
    """Whether there are any, ended or not; true if unknown. Collects none of them."""
    try:
        os.waitid(os.P_ALL, 0, _ANY_CHILD)
    except ChildProcessError:
        return False
    except (AttributeError, OSError):
        pass
    return True


def current_children():
    """The pids of this process's children; an empty set if unknown.

    In a pid namespace of its own they include orphans, which the first process there adopts.
    """
    found = set()
    try:
        # Most tests start nothing: one system call instead of files for each thread.
        for thread in os.listdir("/proc/self/task") if _has_children() else ():
            with open("/proc/self/task/%s/children" % thread) as file:
                found.update(file.read().split())
        if is_isolated:
            with open("/proc/1/task/1/children") as file:
                found.update(file.read().split())
            found.difference_update(_ANCESTRY)
    except OSError:
        pass
    return found


def _ancestry():
    """The pids of this process and of those above it."""
    found = set()
    pid = OWNER
    while pid > 0 and str(pid) not in found:
        found.add(str(pid))
        try:
            with open("/proc/%d/stat" % pid) as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            break
    return found


_ANCESTRY = _ancestry() if is_isolated else set()

known_children = set()  # not to be reported (again)
_of_fixtures = {}  # fixture definition -> children that it started


@around()
def pytest_fixture_setup(fixturedef, request):
    # A failed fixture's traceback has the frames that it has without this plugin.
    __tracebackhide__ = True
    if fixturedef.scope == "function":
        try:
            return (yield)
        finally:
            fixture_ended(fixturedef, "setup")
    before = current_children()
    try:
        return (yield)
    finally:
        started = current_children() - before
        if started:
            _of_fixtures[fixturedef] = started
        fixture_ended(fixturedef, "setup")


def pytest_fixture_post_finalizer(fixturedef, request):
    _of_fixtures.pop(fixturedef, None)
    fixture_ended(fixturedef, "teardown")


def pytest_runtest_logfinish(nodeid, location):
    try:
        if Known.by_workers:
            return
        children = current_children()
        if not (children or known_children):
            return
        # A pid that is gone may be used again.
        known_children.intersection_update(children)
        left = children.difference(known_children, *_of_fixtures.values())
        if left:
            known_children.update(left)
            write("children", id=reported_id(nodeid), pids=sorted(int(pid) for pid in left))
    except Exception:
        pass
