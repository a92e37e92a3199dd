"""One place for the temporary directories of all sessions that run at once, as with pytest-xdist.

pytest numbers its sessions, keeps the directories of the latest three and removes the others, all at
the end of a session. Sessions at the same time would remove each other's: those of a run's first
sessions, and with `tmp_path_retention_policy = none` those in use. Where two of them remove the
same one, pytest ends with exit code 1.
"""
import atexit
import json
import os
from contextlib import contextmanager

from .environment import OWNER, getpid, temporary_record


def share_temporary(config):
    """Makes a session's place for temporary directories when pytest first asks for it."""
    factory = getattr(config, "_tmp_path_factory", None)
    if temporary_record is None or factory is None:
        return
    from _pytest import tmpdir

    ask = factory.getbasetemp
    make = tmpdir.make_numbered_dir_with_cleanup

    def getbasetemp():
        if getattr(factory, "_basetemp", None) is not None or getpid() != OWNER:
            return ask()

        def share(**how):
            try:
                return _Place(**how).enter(how.get("register", atexit.register))
            except Exception:
                return make(**how)

        tmpdir.make_numbered_dir_with_cleanup = share
        try:
            return ask()
        finally:
            tmpdir.make_numbered_dir_with_cleanup = make

    factory.getbasetemp = getbasetemp


class _Place:
    """A numbered directory of pytest, with one below it for each session that uses it."""

    def __init__(self, root, prefix, keep, lock_timeout, **_):
        self.root = root
        self.prefix = prefix
        self.keep = keep
        self.lock_timeout = lock_timeout
        self.base = None

    def enter(self, register):
        """The directory of this session. What it calls at the end is given to `register`."""
        from _pytest.pathlib import create_cleanup_lock, make_numbered_dir

        with _record() as places:
            here = (self.root / name for name in places)
            found = (base for base in here if base.parent == self.root and base.is_dir())
            self.base = next(found, None)
            if self.base is None:
                self.base = make_numbered_dir(self.root, self.prefix)
                places[str(self.base)] = {"made": 0, "using": 0, "tidy": False}
            place = places[str(self.base)]
            own = self.base / str(place["made"])
            own.mkdir(0o700)
            if place["using"] == 0:
                create_cleanup_lock(self.base)
            place["made"] += 1
            place["using"] += 1
            register(self.leave)
        return own

    def leave(self):
        """The last session that uses it removes older ones, once for each run."""
        if getpid() != OWNER:
            return
        from _pytest.pathlib import cleanup_numbered_dir, get_lock_path

        try:
            with _record() as places:
                place = places[str(self.base)]
                place["using"] -= 1
                if place["using"] > 0:
                    return
                dead = self.base.stat().st_mtime - self.lock_timeout
                get_lock_path(self.base).unlink()
                if not place["tidy"]:
                    place["tidy"] = True
                    cleanup_numbered_dir(self.root, self.prefix, self.keep, dead)
        except Exception:
            pass


@contextmanager
def _record():
    """The places of a run, by their paths, for one session at a time."""
    import fcntl

    with os.fdopen(os.open(temporary_record, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        places = json.loads(file.read() or "{}")
        try:
            yield places
        finally:
            file.seek(0)
            file.write(json.dumps(places))
            file.truncate()
