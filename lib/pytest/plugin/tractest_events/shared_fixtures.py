"""Which tests share a fixture, if they run in pytest's own order.

A fixture is made once for as long as pytest stays in its scope and asks for the same parameter:
that is one instance of it. What can't be found out counts as not shared.
"""
import pytest

from .test_ids import reported_id

_CHEAP = ("_pytest.", "xdist.")  # their fixtures of the session cost nothing
_COMMON = 4  # what more than a fourth of the tests use is made in each process anyway
_NARROW = ("package", "module", "class")


def rows_of(items):
    """A row for each test: `group` names the tests that need one process, by the first of them.

    `uses` has numbers of what it shares with others for the whole session, a negative one for each
    fixture that is made several times; `together` the name of its group for pytest-xdist.
    """
    try:
        found = _Instances(items)
        leaders = _leaders(found.narrow)
        shared = found.shared_by_some()
        series = found.made_in_series()
    except Exception:
        found = None
    rows = []
    for index, item in enumerate(items):
        row = {"id": reported_id(item.nodeid)}
        row["group"] = row["id"] if found is None else reported_id(items[leaders[index]].nodeid)
        wide = () if found is None else found.wide[index]
        uses = [one for one in wide if one in shared]
        uses.extend({series[one] for one in wide if one in series})
        if uses:
            row["uses"] = uses
        together = _xdist_group(item)
        if together:
            row["together"] = together
        rows.append(row)
    return rows


def _xdist_group(item):
    """The names of its marks `xdist_group`, as pytest-xdist joins them; "" without any."""
    try:
        marks = item.iter_markers("xdist_group")
        names = (one.args[0] if one.args else one.kwargs.get("name", "default") for one in marks)
        return "_".join(sorted({str(name) for name in names}))
    except Exception:
        return ""


def _leaders(instances):
    """For each test the index of the first that it shares an instance with, directly or not."""
    first = {}  # instance -> the index of a test that uses it
    leader = list(range(len(instances)))

    def find(index):
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for index, used in enumerate(instances):
        for instance in used:
            one, other = sorted((find(first.setdefault(instance, index)), find(index)))
            leader[other] = one
    return [find(index) for index in range(len(instances))]


class _Instances:
    """The numbers of the instances of fixtures that each test uses, by running in thought."""

    def __init__(self, items):
        self.narrow = []  # for each test those of a package, a module or a class
        self.wide = []  # for each test those of the session
        self._made = 0
        self._live = {}  # fixture -> what its instance depends on, its parameter and its number
        self._owner = {}  # number of an instance of the session -> its fixture
        self._packages = {}  # the base of a fixture of a package -> for each test, which visit
        self._names = {}  # fixtures of a function, by name -> the names of those that count
        self._paths = [item.nodeid.split("::", 1)[0] for item in items]
        self._modules = _visits(self._paths)
        self._classes = _visits([_class_of(item) for item in items])
        for index, item in enumerate(items):
            self._run(index, item)

    def _makings(self):
        """How often each fixture of the session is made."""
        makings = {}
        for fixture in self._owner.values():
            makings[fixture] = makings.get(fixture, 0) + 1
        return makings

    def made_in_series(self):
        """For each instance of a fixture that is made several times the number of the fixture."""
        numbers = {}
        makings = self._makings()
        return {
            number: numbers.setdefault(fixture, -1 - len(numbers))
            for number, fixture in self._owner.items()
            if makings[fixture] > 1
        }

    def shared_by_some(self):
        """The instances of the session that several tests use, and not each process anyway."""
        times = {}
        for used in self.wide:
            for number in used:
                times[number] = times.get(number, 0) + 1
        makings = self._makings()
        return {
            number
            for number, count in times.items()
            if count > 1
            and (makings[self._owner[number]] > 1 or count * _COMMON <= len(self.wide))
        }

    def _run(self, index, item):
        by_name = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", None) or {}
        parameters = getattr(getattr(item, "callspec", None), "params", None) or {}
        known = {}
        for name in self._counting(by_name):
            self._instance(index, item, (name, -1), by_name, parameters, known)
        numbers = [each for each in known.values() if each is not None]
        self.narrow.append([number for number, scope in numbers if scope in _NARROW])
        self.wide.append([number for number, scope in numbers if scope == "session"])

    def _counting(self, by_name):
        """The names of fixtures that are not made for each test; the same for all its parameters."""
        if id(by_name) not in self._names:
            self._names[id(by_name)] = [
                name
                for name, definitions in by_name.items()
                if any(getattr(each, "scope", "function") != "function" for each in definitions)
            ]
        return self._names[id(by_name)]

    def _instance(self, index, item, which, by_name, parameters, known):
        """The number and scope of one; None if each test has its own, or if it costs nothing."""
        if which in known:
            return known[which]
        known[which] = None  # a fixture that needs itself
        name, depth = which
        definitions = by_name.get(name) or ()
        if len(definitions) < -depth:
            return None
        definition = definitions[depth]
        scope = getattr(definition, "scope", "function")
        visit = self._visit(index, item, definition, scope)
        module = getattr(getattr(definition, "func", None), "__module__", None) or ""
        if visit is None or (scope == "session" and module.startswith(_CHEAP)):
            return None
        if module == "_pytest.unittest" and not _has_class_setup(item.cls):
            return None
        needs = []
        for argument in getattr(definition, "argnames", ()):
            inner = (name, depth - 1) if argument == name else (argument, -1)
            needs.append(self._instance(index, item, inner, by_name, parameters, known))
        basis = (visit, [each for each in needs if each is not None])
        parameter = parameters.get(name)
        live = self._live.get(id(definition))
        if live is None or live[0] != basis or not _same(live[1], parameter):
            self._made += 1
            live = self._live[id(definition)] = (basis, parameter, self._made)
            if scope == "session":
                self._owner[self._made] = id(definition)
        known[which] = (live[2], scope)
        return known[which]

    def _visit(self, index, item, definition, scope):
        """How often pytest has entered the scope of a fixture; None if each test has its own."""
        if scope == "session":
            return 0
        if scope == "module":
            return self._modules[index]
        if scope == "class":
            return None if getattr(item, "cls", None) is None else self._classes[index]
        if scope != "package":
            return None
        base = getattr(definition, "baseid", "") or ""
        if base not in self._packages:
            inside = [not base or (path + "/").startswith(base + "/") for path in self._paths]
            self._packages[base] = _visits(inside)
        return self._packages[base][index]


def _has_class_setup(cls):
    """Whether a test case has more than what unittest gives it, which does nothing."""
    from unittest import TestCase

    for name in ("setUpClass", "tearDownClass"):
        method = getattr(cls, name, None)
        if getattr(method, "__func__", None) is not getattr(TestCase, name).__func__:
            return True
    return False


def _class_of(item):
    cls = item.getparent(pytest.Class) if getattr(item, "cls", None) is not None else None
    return None if cls is None else cls.nodeid


def _visits(places):
    """For each place in a sequence, how often it has changed."""
    visits = []
    for index, place in enumerate(places):
        changed = index > 0 and place != places[index - 1]
        visits.append((visits[-1] if visits else 0) + changed)
    return visits


def _same(one, other):
    """Whether pytest takes two parameters for the same."""
    if one is other:
        return True
    try:
        return bool(one == other)
    except Exception:
        return False
