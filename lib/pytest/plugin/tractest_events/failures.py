"""Why a report failed: the message, the classes of errors, the place, and whose fixture it was."""
import os

import pytest

from .environment import Known
from .event_file import class_name, clip, clip_middle

errors = {}  # (id, phase) -> the classes of the error, and the scope of its fixture


def error_classes(error, seen):
    """The error's class, then those of the errors that it groups and that caused it, each once."""
    if error is None or len(seen) >= 20:
        return seen
    name = class_name(type(error))
    if name not in seen:
        seen.append(name)
    for inner in getattr(error, "exceptions", None) or ():
        if isinstance(inner, BaseException):
            error_classes(inner, seen)
    # tractor's RemoteActorError knows the class that was raised in the other process, and the one
    # that it had on its way; by name alone where the class can't be imported here.
    for kind, text in (("boxed_type", ""), ("src_type", "src_type_str")):
        remote = getattr(error, kind, None)
        if isinstance(remote, type):
            remote = class_name(remote)
        else:
            remote = getattr(error, text, None) if text else None
        if isinstance(remote, str) and remote and remote not in seen:
            seen.append(remote)
    return error_classes(error.__cause__, seen) if error.__cause__ is not error else seen


def leaves(error):
    """The errors that an error groups, or itself."""
    inner = getattr(error, "exceptions", None)
    if not inner:
        yield error
    for one in inner or ():
        if isinstance(one, BaseException):
            yield from leaves(one)


# Functions of pytest that end fixtures, among other things.
_TEARDOWNS = ("teardown_exact", "_teardown_with_finalization", "_callfinalizers")


def _torn_scope(error):
    """The scope of the fixture whose teardown raised an error: None: none; "": unknown."""
    scope = None
    step = error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_name
        if name in _TEARDOWNS:
            scope = ""
        elif name == "finish":
            fixture = step.tb_frame.f_locals.get("self")
            if isinstance(getattr(fixture, "scope", None), str) and hasattr(fixture, "argname"):
                scope = fixture.scope
        step = step.tb_next
    return scope


def _scope(error, when):
    """The scope of the fixture that failed. In a teardown "function" only if that is certain."""
    scopes = [_torn_scope(leaf) for leaf in leaves(error)]
    wider = [scope for scope in scopes if scope not in (None, "", "function")]
    if wider:
        return wider[0]
    return "function" if when == "teardown" and "" not in scopes else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    """Only reads: pytest itself makes the report."""
    try:
        if call.excinfo is not None:
            error = call.excinfo.value
            known = {"errors": error_classes(error, []), "scope": _scope(error, call.when)}
            errors[(item.nodeid, call.when)] = known
    except Exception:
        pass


def _where(representation, crash):
    """The innermost line of the failure in the project itself, not in a library."""
    root = Known.root or os.getcwd()
    found = None
    if crash is not None:
        path = os.path.abspath(str(crash.path))
        if path.startswith(root + os.sep):
            path = os.path.relpath(path, root)
        found = "%s:%s" % (path, crash.lineno)
    entries = getattr(getattr(representation, "reprtraceback", None), "reprentries", None)
    for entry in entries or ():
        place = getattr(entry, "reprfileloc", None)
        if place is None:
            continue
        path = os.path.abspath(str(place.path))
        if path.startswith(root + os.sep) and "site-packages" not in path:
            found = "%s:%s" % (os.path.relpath(path, root), place.lineno)
    return found


def failure(report, known):
    """What an event says of a failed report."""
    representation = report.longrepr
    crash = getattr(representation, "reprcrash", None)
    message = getattr(crash, "message", None)
    text = getattr(report, "longreprtext", None) or str(representation or "")
    if message is None:
        lines = [line for line in text.splitlines() if line.strip()]
        marked = [line[1:].strip() for line in lines if line.startswith("E ")]
        message = marked[0] if marked else lines[-1] if lines else ""
    fields = {
        "message": clip_middle(message),
        "where": _where(representation, crash),
        "traceback": clip(text, tail=True),
        "errors": known.get("errors", []),
    }
    for name, value in (("output", _output(report)), ("scope", known.get("scope"))):
        if value:
            fields[name] = value
    return fields


def _output(report):
    """The end of the test's output, under pytest's headings, unless --show-capture hides it."""
    chosen = getattr(getattr(Known.config, "option", None), "showcapture", "all")
    if chosen == "no":
        return ""
    sections = getattr(report, "sections", ())
    shown = [one for one in sections if chosen == "all" or chosen in one[0]]
    return clip("\n".join("--- %s ---\n%s" % section for section in shown), tail=True)


def skip_reason(report):
    representation = report.longrepr
    if isinstance(representation, tuple) and len(representation) == 3:
        return str(representation[2])
    return getattr(report, "wasxfail", None) or None
