"""What pytest really loads: writes a random project, runs each test file in a process of its own, and prints the project's files that Python compiled or executed for it, as JSON.

loaded_files.py make SEED DIRECTORY    writes a project
loaded_files.py load DIRECTORY [FILE…] prints {test file: {"files": [loaded file, …]}} for these or all test files
loaded_files.py collect DIRECTORY …    the same without running the tests
"""
import json, os, pathlib, random, sys


class Maker:
    """A random project: packages with and without `__init__.py`, every form of import, tests in one of several layouts."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.files = {}
        self.modules = {}  # dotted name -> path
        self.layout = self.random.choice(["src", "flat", "inside", "bare", "mono", "importlib", "rootless"])

    def chance(self, odds):
        return self.random.random() < odds

    def make(self):
        homes = {"src": ["src"], "importlib": ["src"], "mono": ["packages/one/src", "packages/two/src"]}.get(self.layout, ["."])
        for index, name in enumerate(["app", "kit", "space"]):
            self.package(homes[index % len(homes)], name, [name], 0)
        # A second portion of a namespace package.
        if self.random.choice([True, False]):
            for home in homes[-1:]:
                self.modules.setdefault("space.portion", f"{home}/space/portion.py")
        self.modules["lone"] = f"{homes[0]}/lone.py"
        names = list(self.modules)
        for name in names:
            self.files[self.modules[name].removeprefix("./")] = self.text(name)
        self.tests()
        return self.files

    def package(self, home, name, parts, depth):
        directory = "/".join([home, *parts])
        dotted = ".".join(parts)
        if name != "space" and (depth == 0 or self.chance(0.7)):
            self.modules[dotted] = f"{directory}/__init__.py"
        for index in range(self.random.randint(1, 3)):
            module = f"{name[:2]}_{self.random.choice('abc')}{index}"
            self.modules[f"{dotted}.{module}"] = f"{directory}/{module}.py"
        if depth < 2:
            for index in range(self.random.randint(0, 2)):
                # pytest collects no tests in `build` and `dist`, and yet they may be packages.
                below = f"{self.random.choice(['core', 'util', 'io_'])}{depth}{index or ''}" if index or self.chance(0.7) else self.random.choice(["build", "dist"])
                self.package(home, below, [*parts, below], depth + 1)

    def text(self, name):
        lines = [f'"""Module {name}."""', "from __future__ import annotations", "import importlib", "from typing import TYPE_CHECKING"]
        is_init = self.modules[name].endswith("/__init__.py")
        for _ in range(self.random.randint(1, 4) if is_init else self.random.randint(0, 3)):
            lines += self.statement(name, is_init)
        lines += [f"def f_{name.rpartition('.')[2]}(): return 1", "VALUE = 1"]
        return "\n".join(lines) + "\n"

    def target(self, name):
        """Mostly a neighbour: a project that imports everything from everywhere shows little."""
        others = [one for one in self.modules if one != name]
        near = [one for one in others if one.split(".")[0] == name.split(".")[0]]
        return self.random.choice(near if near and self.chance(0.7) else others)

    def statement(self, name, is_init=False, package=None):
        """Lines that import a random module; `package` of the file, where a relative import starts."""
        target = self.target(name)
        parent, _, last = target.rpartition(".")
        home = package if package is not None else (name if is_init else name.rpartition(".")[0])
        forms = [
            [f"import {target}"],
            [f"import os, {target}"],
            [f"import {target} as alias_{last}"],
            [f"import os; import {target}"],
            [f"from {target} import f_{last}"],
            [f"from {target} import (  # why (", f"    f_{last} as g_{last},", "    VALUE,", ")"],
            [f"from {target} \\", f"    import f_{last}"],
            [f"from {target} import *"],
            [f'importlib.import_module("{target}")'],
            [f"importlib.import_module(name='{target}')"],
            ["from importlib import import_module as load", f'load("{target}")'],
            ["importlib.import_module(", f'    "{target}",  # by name', ")"],
            [f'__import__("{target}")'],
            [f'import pytest; pytest.importorskip("{target}", reason="why")'],
            ["try:", f"    from missing_c import f_{last}", "except ImportError:", f"    from {target} import f_{last}"],
            ["try:", f"    import {target}", "except ImportError:", "    pass"],
            [f"def lazy_{last}():", f"    import {target}", f"    return {target}"],
            [f"def lazy_{last}():", f"    from {target} import f_{last}", f"    return f_{last}()"],
            [f"async def other_{last}(): pass", f"def lazy_{last}(): return importlib.import_module('{target}').VALUE"],
            [f"class C_{last}:", f"    from {target} import VALUE"],
            ["if TYPE_CHECKING:", f"    from {target} import f_{last}"],
            ["if TYPE_CHECKING:", f"    import {target}", "else:", f"    {target.split('.')[0]} = None"],
            [f'__doc__ += "import {target}"'],
            [f"# import {target}"],
            [f"if TYPE_CHECKING: from {target} import f_{last}"],
        ]
        if parent:
            forms += [
                [f"from {parent} import {last}"],
                [f"from {parent} import {last} as alias_{last}"],
                [f"import {parent}", f"from {parent} import {last}"],
                [f'__import__("{parent}", fromlist=["{last}"])'],
                [f'importlib.import_module("{parent}." + "{last}")'],
                [f'name_ = "{last}"', f'importlib.import_module(f"{parent}.{{name_}}")'],
            ]
        if home:
            parts, wanted = home.split("."), target.split(".")
            common = 0
            while common < min(len(parts), len(wanted)) and parts[common] == wanted[common]:
                common += 1
            if 0 < common < len(wanted):
                dots, rest = "." * (len(parts) - common + 1), wanted[common:]
                relative = [
                    [f"from {dots}{'.'.join(rest)} import f_{last}"],
                    [f"from {dots}{'.'.join(rest[:-1])} import {last}"],
                    [f"from {dots}{'.'.join(rest[:-1])} import {last} as alias_{last}"],
                    [f"from {dots}{'.'.join(rest)} import *"],
                    [f'importlib.import_module("{dots}{".".join(rest)}", "{home}")'],
                    [f'importlib.import_module("{dots}{".".join(rest)}", package=__package__)'],
                    ["try:", f"    from {dots}{'.'.join(rest)} import VALUE", "except ImportError: pass"],
                ]
                if is_init:
                    relative.append(["def __getattr__(name):", f"    if name == 'late':", f"        from {dots}{'.'.join(rest[:-1])} import {last}", f"        return {last}", "    raise AttributeError(name)"])
                forms += relative * 2
        lines = self.random.choice(forms)
        # Most may fail, since imports in a circle do: what follows is loaded all the same.
        if self.chance(0.7) and not lines[0].startswith("#"):
            lines = ["try:", *(f"    {line}" for line in lines), "except Exception:", "    pass"]
        return lines

    def tests(self):
        tests = {"inside": "app/tests", "bare": "test", "mono": None}.get(self.layout, "tests")
        settings = {
            "src": "pythonpath = src\ntestpaths = tests\n",
            "importlib": "pythonpath = src\naddopts = --import-mode=importlib\n",
            "mono": "pythonpath = packages/one/src packages/two/src\ntestpaths = packages/*/tests\n",
        }.get(self.layout, "")
        self.files["pytest.ini"] = f"[pytest]\n{settings}"
        for directory in [tests] if tests else ["packages/one/tests", "packages/two/tests"]:
            self.suite(directory, directory.split("/")[1] if tests is None else "")
        if self.chance(0.3):
            self.files["conftest.py"] = self.conftest("", True)

    def conftest(self, package, is_top):
        lines = ["import importlib", "from typing import TYPE_CHECKING"]
        for _ in range(self.random.randint(0, 1)):
            lines += self.statement("none", package=package)
        if is_top and self.chance(0.3):
            name = self.target("none")
            lines += self.random.choice([[f'pytest_plugins = ["{name}"]'], [f"pytest_plugins = '{name}',"], ["pytest_plugins = (", f'    "{name}",', ")"]])
        return "\n".join(lines) + "\n"

    def suite(self, tests, mark):
        has_inits = self.layout in ("flat", "inside") or (self.layout == "mono" and False)
        directories = [tests, f"{tests}/unit", f"{tests}/unit/deep"]
        for directory in directories:
            package = ".".join(directory.split("/")) if has_inits else ""
            if has_inits:
                self.files[f"{directory}/__init__.py"] = "\n".join(["import importlib", "from typing import TYPE_CHECKING", *(self.statement("none") if self.chance(0.3) else [])]) + "\n"
            if self.chance(0.4):
                self.files[f"{directory}/conftest.py"] = self.conftest(package, False)
            helper = f"helper_{mark}{directory.rpartition('/')[2]}"
            self.files[f"{directory}/{helper}.py"] = "\n".join(["import importlib", "from typing import TYPE_CHECKING", *self.statement("none", package=package), "VALUE = 1"]) + "\n"
            for index in range(2):
                lines = ["import importlib", "from typing import TYPE_CHECKING"]
                for _ in range(self.random.randint(0, 2)):
                    lines += self.statement("none", package=package)
                if self.chance(0.5):
                    lines.append(self.use(helper, package, directory))
                if self.chance(0.2):
                    # A helper of the directory above: there is a conftest.py, or a package.
                    above = directory.rpartition("/")[0]
                    name = f"helper_{mark}{above.rpartition('/')[2]}"
                    if has_inits and above.startswith(tests):
                        lines.append(f"from ..{name} import VALUE")
                    elif f"{above}/conftest.py" in self.files and self.layout != "importlib":
                        lines.append(f"import {name}")
                if self.chance(0.15):
                    lines.append(f'pytest_plugins = ["{self.target("none")}"]')
                lines += ["def test_it():", "    assert True"]
                stem = f"test_{mark}{directory.rpartition('/')[2]}_{index}"
                self.files[f"{directory}/{stem}.py"] = "\n".join(lines) + "\n"

    def use(self, helper, package, directory):
        if package:
            return self.random.choice([f"from .{helper} import VALUE", f"from . import {helper}", f"from {package} import {helper}", f"import {package}.{helper}"])
        if self.layout == "importlib":
            return "import os"
        return self.random.choice([f"import {helper}", f"from {helper} import VALUE", f"from {helper} import *"])


def odd(text, choose):
    """The same text in a form that is rare."""
    pad = "".join(f"\ndef pad_{index}(): return {index}\n" for index in range(3000))
    return choose(
        [
            b"\xef\xbb\xbf" + text.encode(),
            b"# -*- coding: latin-1 -*-\nNAME = '\xe4'\n" + text.replace("from __future__ import annotations\n", "").encode(),
            text.replace("\n", "\r\n").encode(),
            text.replace("\n", "\r").encode(),
            (text + pad).encode(),
            (text + "\ndef broken(:\n").encode(),
            ("\f\n" + text).encode(),
            b"\n\n" + text.encode() + b"# no line end",
        ]
    )


def make(seed, directory):
    maker = Maker(seed)
    for path, text in maker.make().items():
        file = pathlib.Path(directory, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        is_odd = path.endswith(".py") and "conftest" not in path and maker.chance(0.08)
        file.write_bytes(odd(text, maker.random.choice) if is_odd else text.encode())


class Watcher:
    """Collects what is compiled or executed, and calls each `lazy_…` at the end."""

    def __init__(self, root):
        self.root, self.seen, self.failed = root + "/", set(), []

    def hook(self, event, args):
        if event == "exec":
            self.add(getattr(args[0], "co_filename", None))
        elif event == "compile":
            self.add(args[1])

    def add(self, name):
        name = os.fsdecode(name) if isinstance(name, (bytes, str)) else ""
        if name.startswith(self.root):
            self.seen.add(os.path.relpath(os.path.realpath(name), self.root))

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.append(str(report.longrepr)[-300:])

    def pytest_sessionfinish(self):
        called = set()
        while True:
            modules = [one for one in list(sys.modules.values()) if str(getattr(one, "__file__", None)).startswith(self.root)]
            lazy = {one for module in modules for name, one in list(vars(module).items()) if name.startswith("lazy_")}
            if not lazy - called:
                return
            for one in lazy - called:
                called.add(one)
                try:
                    one()
                except Exception:
                    pass


def load(root, tests, *options):
    import contextlib, io, pytest
    import _pytest.assertion.rewrite, _pytest.python, _pytest.terminal

    os.chdir(root)
    found = {}
    for test in tests:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                watcher = Watcher(root)
                sys.path.insert(0, "")
                sys.dont_write_bytecode = True
                sys.addaudithook(watcher.hook)
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *options, test], plugins=[watcher])
                os.write(write, json.dumps({"files": sorted(watcher.seen), "failed": watcher.failed, "code": int(code)}).encode())
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            found[test] = json.loads(pipe.read() or b'{"files": [], "failed": ["died"], "code": -1}')
        os.waitpid(child, 0)
    return found


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if verb == "make":
        make(int(words[0]), words[1])
    else:
        root = os.path.realpath(words[0])
        tests = words[1:] or sorted(
            str(path.relative_to(root)) for path in pathlib.Path(root).rglob("test_*.py") if ".venv" not in path.parts
        )
        json.dump(load(root, tests, *(["--collect-only"] if verb == "collect" else [])), sys.stdout)
