"""The file of events, and how lines get into it."""
import errno
import json
import os

import pytest

from .environment import OWNER, event_path, getpid, now, os_write, session_name

_SCHEMA = "tractest.events/1"
_LIMIT = 4000  # characters of a message or a traceback
# Few tests that close descriptors come that far, and none of their files gets this one.
_HIGH = 900
_SLOW_FIXTURE_SECONDS = 1.0


def _open(flags=0):
    """The descriptor of the file; None if it can't be written."""
    flags |= os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
    try:
        low = os.open(event_path, flags, 0o600)
    except OSError:
        return None
    try:
        import fcntl

        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except (ImportError, AttributeError, OSError):
        return low
    os.close(low)
    return high


_file = _open(os.O_CREAT) if event_path else None
_held = None  # values of a PASSED line that can wait for the next line
_last_line = now()

# json.dumps would make an encoder for each line. ASCII keeps lone surrogates and line separators
# valid.
encode = json.JSONEncoder(default=str).encode


def send(line):
    """Writes at once: a run that is killed loses nothing that it reported."""
    global _held, _file, _last_line
    if _file is None or getpid() != OWNER:
        return
    _last_line = now()
    if _held is not None:
        line = PASSED % _held + line
        _held = None
    rest = line.encode("ascii")
    while rest:
        try:
            rest = rest[os_write(_file, rest):]
        except OSError as error:
            # A test has closed all descriptors.
            if error.errno != errno.EBADF:
                raise
            _file = _open()
            if _file is None:
                return


def hold(values):
    """Keeps the values of a PASSED line until the next line."""
    global _held
    if _held is not None:
        send("")
    _held = values


def write(event, **fields):
    """Writes a line of any kind. False if that was not possible."""
    try:
        head = {"schema": _SCHEMA, "event": event, "time": round(now(), 3)}
        if session_name is not None:
            head["session"] = session_name
        head.update(fields)
        send(encode(head) + "\n")
    except Exception:
        return False
    return True


def fixture_ended(fixturedef, phase):
    """Shows that the session is alive while only slow fixtures run."""
    if now() - _last_line > _SLOW_FIXTURE_SECONDS:
        write("fixture", name=str(getattr(fixturedef, "argname", "")), phase=phase)


def line_of(event, fields):
    """The pattern of a frequent line, for its time and `fields`: faster than `write`."""
    session = ""
    if session_name is not None:
        session = '"session": %s, ' % encode(session_name).replace("%", "%%")
    head = '{"schema": "%s", "event": "%s", "time": %%.3f, %s' % (_SCHEMA, event, session)
    return head + fields + "}\n"


TEST_START = line_of("test-start", '"id": %s, "file": %s, "line": %s')
PASSED = line_of(
    "report",
    '"id": %s, "phase": "%s", "outcome": "passed", "category": "%s", "seconds": %.4f',
)


def around(**options):
    """Marks the wrapper of a hook, in the new way where there is one: pluggy calls that faster."""
    try:
        return pytest.hookimpl(wrapper=True, **options)
    except TypeError:
        return pytest.hookimpl(hookwrapper=True, **options)


def clip(text, tail=False):
    text = str(text)
    if len(text) <= _LIMIT:
        return text
    return "…" + text[-_LIMIT:] if tail else text[:_LIMIT] + "…"


def clip_middle(text):
    """Both ends of a message: the last line of one from another process says why."""
    text = str(text)
    if len(text) <= _LIMIT:
        return text
    return "%s\n…\n%s" % (text[:_LIMIT // 2], text[-_LIMIT // 2:])


def class_name(kind):
    module = getattr(kind, "__module__", None)
    name = getattr(kind, "__qualname__", str(kind))
    return name if module in (None, "builtins") else "%s.%s" % (module, name)
