"""Reports this Python and the origin of packages, collects tests and imports the packages, in one process.

Arguments: the packages, separated by ","; then those of `python -m pytest`. Without the latter nothing is collected;
with `--find` in their place nothing is imported either.
Prints two records on standard output, before and after the output of pytest, each between two pairs of NUL; an empty
word is `-`. Ends with the exit code of pytest.
"""
import importlib
import importlib.util
import os
import runpy
import sys
import traceback

packages = [name for name in sys.argv[1].split(",") if name]
sys.argv[1:] = sys.argv[2:]
finds_only = sys.argv[1:] == ["--find"]
answers = os.dup(1)


def answer(*words):
    os.write(answers, b"\0\0" + b"\0".join(os.fsencode(word or "-") for word in words) + b"\0\0")


def find(package):
    try:
        return importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None


def file_of(module):
    # Not by getattr: what a library puts there may answer with any error, or import something.
    try:
        return object.__getattribute__(module, "__dict__").get("__file__")
    except Exception:
        return None


# Searched as by a process that is started elsewhere: in the project's root, any venv would find the project's source.
here = sys.path.pop(0) if sys.path[:1] == [""] else None
specs = [find(package) for package in packages]
where = "installed"
if here is not None:
    sys.path.insert(0, os.getcwd())
    if None in specs:
        where = "working directory"
        specs = [spec or find(package) for package, spec in zip(packages, specs)]
found = [spec.origin if spec.has_location else "" for spec in specs if spec]
answer("found", sys.version.split()[0], where, *(found if len(found) == len(packages) else []))

code = 0
if len(sys.argv) > 1 and not finds_only:
    try:
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1

# After pytest, which can rewrite the assertions of its plugins only if it imports them first.
failed = ""
for package in () if finds_only else packages:
    try:
        importlib.import_module(package)
    except BaseException:
        sys.stderr.write("\0\0")
        traceback.print_exc()
        failed = package
        break
modules = [file_of(module) for module in list(sys.modules.values())]
installed = {name for name in modules if isinstance(name, str) and ("site-packages" in name or "dist-packages" in name)}
answer("imported", failed, *sorted(installed))
sys.stdout.flush()
sys.stderr.flush()
# Skips atexit handlers, which are not part of the check.
os._exit(code if isinstance(code, int) else 0 if code is None else 1)
