"""Starts the processes of a forest and runs tractest on it. Started as the first process of namespaces of its own, with the scene as JSON in the
file that is named; prints what was seen as one line of JSON, and stays.

The first process becomes that of the forest; what drives the rest is a child of it.
"""

import ctypes, json, os, select, signal, subprocess, sys, time, traceback

KIT = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, KIT)
LATE = 40


def main():
    with open(sys.argv[1]) as file:
        scene = json.load(file)
    keep = [KIT, *json.loads(sys.argv[2])]
    furnish(keep)
    make(scene)
    import node

    if os.fork() == 0:
        # This program is not part of the forest: nothing about it must reveal what it does.
        node.overwrite(b"driver\0")
        output = os.dup(1)
        try:
            result = drive(scene, node)
        except BaseException:
            with open(f"{scene['here']}/errors", errors="replace") as errors:
                rows = "".join(f"{row}\n" for row in processes())
                result = {"error": f"{traceback.format_exc()}{errors.read()}{rows}{read(scene['here'] + '/run.log')}"}
        with open(output, "w") as file:
            file.write(json.dumps(result) + "\n")
        os._exit(0)
    errors = os.open(f"{scene['here']}/errors", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(errors, 2)
    node.execute(scene["first"])


def furnish(keep):
    """Its own network, shared memory and /tmp, with only the needed files of the old /tmp."""
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source, target, kind, flags=0):
        if libc.mount(source.encode(), target.encode(), kind, flags, None) != 0:
            raise OSError(ctypes.get_errno(), f"mount {source} on {target}")

    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    held = [(path, os.open(path, os.O_RDONLY)) for path in keep if path.startswith("/tmp/")]
    for target in ("/tmp", "/dev/shm"):
        mount("tmpfs", target, b"tmpfs")
        os.chmod(target, 0o1777)
    for path, fd in held:
        os.makedirs(path)
        mount(f"/proc/self/fd/{fd}", path, None, 4096)
        os.close(fd)


def make(scene):
    here, root = scene["here"], scene["root"]
    os.umask(0o022)
    for path in (f"{here}/specs", f"{here}/run", f"{root}/app", f"{root}/tests", f"{root}/worktree/.git", f"{here}/elsewhere", f"{here}/other/app"):
        os.makedirs(path)
    os.makedirs("/tmp/pytest-of-root/pytest-0/test_a0")
    for project in (root, f"{here}/other"):
        write(f"{project}/pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    for place in (root, f"{root}/worktree", f"{here}/elsewhere", f"{here}/other", "/tmp/pytest-of-root/pytest-0/test_a0"):
        for name in ("app.py", "bin/uvicorn", "app/serve.py"):
            write(f"{place}/{name}", "import time\n")
    write(f"{root}/.libs/msgspec/_core.so", "not empty")
    for venv in scene["venvs"]:
        library = f"{venv}/lib/{os.path.basename(scene['library'])}/site-packages"
        write(f"{venv}/pyvenv.cfg", f"home = {os.path.dirname(scene['python'])}\ninclude-system-site-packages = false\n")
        write(f"{library}/msgspec/_core.so", "not empty")
        write(f"{library}/tractor/__init__.py", "")
        write(f"{library}/pytest.pth", scene["packages"] + "\n")
        os.makedirs(f"{venv}/bin")
        os.symlink(scene["python"], f"{venv}/bin/python")
    write(f"{root}/tests/test_a.py", TEST.format(kit=KIT, here=here))
    os.mkfifo(f"{here}/ready")
    os.chmod(f"{here}/ready", 0o666)
    os.mkfifo(f"{here}/end")
    for spec in [scene["first"], *scene["roots"], *([scene["run"]["node"]] if scene["run"] else [])]:
        write_specs(here, spec)


TEST = '''
import sys
sys.path.insert(0, {kit!r})
import node

def test_a():
    with open("{here}/specs/run") as file:
        spec = eval(file.read())
    for child in spec["children"]:
        node.start(child)
    node.ready(spec["id"])
    open("{here}/end").read()
'''


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def write_specs(here, spec):
    write(f"{here}/specs/{spec['id']}", f"import sys; sys.path.insert(0, {KIT!r}); import node; del __file__\nnode.begin({spec!r})\n")
    for child in spec["children"]:
        write_specs(here, child)


def all_of(spec):
    yield spec
    for child in spec["children"]:
        yield from all_of(child)


def drive(scene, node):
    here, run = scene["here"], scene["run"]
    fifo = os.open(f"{here}/ready", os.O_RDWR | os.O_NONBLOCK)
    end = os.open(f"{here}/end", os.O_RDWR)
    errors = os.open(f"{here}/errors", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.chmod(f"{here}/errors", 0o666)
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0), os.dup2(nothing, 1), os.dup2(errors, 2)
    runner = begin_run(scene) if run else None
    for spec in scene["roots"]:
        node.start(spec)
    tops = [scene["first"], *scene["roots"], *([run["node"]] if run else [])]
    specs = {spec["id"]: spec for top in tops for spec in all_of(top)}
    pids = await_ready(fifo, set(specs), runner)
    ticks = {pid: ticks_of(pid) for pid in pids.values()}
    born = processes()
    recorded = await_ledger(scene, runner, run, pids, specs) if run else []
    end_some(scene, runner, pids, specs, end)
    before = processes()
    result = {"pids": pids, "ticks": ticks, "born": born, "recorded": recorded, "before": before}
    result["list"] = ask(scene, ["zombies", "--json"])
    result["kill"] = ask(scene, scene["cleanUp"])
    result["after"] = processes()
    result["sockets"] = [name for name in os.listdir("/tmp") if name.endswith(".sock")]
    return result


def begin_run(scene):
    write(f"{scene['here']}/specs/run", repr(scene["run"]["node"]))
    log = open(f"{scene['here']}/run.log", "wb")
    return subprocess.Popen(
        [scene["tractest"], "run", "--no-preflight", "--no-defaults"], cwd=scene["root"], env=environment(scene), stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )


def environment(scene):
    here = scene["here"]
    return {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": f"{here}/home",
        "XDG_STATE_HOME": f"{here}/state",
        "XDG_CACHE_HOME": scene["cache"],
        "XDG_RUNTIME_DIR": f"{here}/run",
    }


def ask(scene, words):
    begun = time.monotonic()
    done = subprocess.run(
        [scene["tractest"], *words], cwd=scene["root"], env=environment(scene), stdin=subprocess.DEVNULL, capture_output=True, timeout=60
    )
    seconds = time.monotonic() - begun
    return {"code": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode(), "seconds": seconds}


def await_ready(fifo, waiting, runner):
    """The pid of each node, by its id."""
    pids, text, deadline = {}, "", time.monotonic() + LATE
    while waiting - pids.keys():
        if time.monotonic() > deadline or os.fstat(2).st_size > 0:
            raise TimeoutError(f"never ready: {sorted(waiting - pids.keys())}")
        if not select.select([fifo], [], [], 1)[0]:
            continue
        text += os.read(fifo, 65536).decode()
        *lines, text = text.split("\n")
        for line in lines:
            number, pid = line.split()
            pids[int(number)] = int(pid)
    return pids


def await_ledger(scene, runner, run, pids, specs):
    """Waits until the run has recorded all that it can find; returns those ids."""
    here, deadline = scene["here"], time.monotonic() + LATE
    pytest = pids[run["node"]["id"]]
    visible = {pids[spec["id"]] for spec in seen_by_run(run["node"])}
    ids = {pid: number for number, pid in pids.items()}
    while time.monotonic() < deadline:
        recorded = ledger(here)
        if visible <= recorded:
            return sorted(ids[pid] for pid in recorded if pid in ids and pid != pytest)
        time.sleep(0.02)
    raise TimeoutError(f"not recorded: {sorted(ids[pid] for pid in visible - recorded)}")


def seen_by_run(spec, in_session=True, subreaper=False):
    """Those below pytest, or in its session: a run finds no others."""
    for child in spec["children"]:
        in_same = in_session and not child["session"]
        if not child["double"] or in_same or subreaper:
            yield from ([child] if child["uid"] == 0 else [])
            yield from seen_by_run(child, in_same, subreaper or child["subreaper"])


def ledger(here):
    pids = set()
    for directory, _, names in os.walk(f"{here}/state"):
        for name in names:
            if name.endswith(".jsonl"):
                with open(f"{directory}/{name}", errors="replace") as file:
                    for line in file:
                        try:
                            entry = json.loads(line)
                        except ValueError:
                            continue
                        if isinstance(entry, dict) and entry.get("role") == "process":
                            pids.add(entry["pid"])
    return pids


def end_some(scene, runner, pids, specs, end):
    """Kills the processes that the plan kills, parents first, and waits until they are gone."""
    run = scene["run"]
    doomed = [pids[number] for number in sorted(specs) if specs[number]["killed"]]
    if run and run["runner"] == "killed":
        runner.kill()
        runner.wait()
    if run and run["pytest"] == "killed":
        doomed.append(pids[run["node"]["id"]])
    handles = [os.pidfd_open(pid) for pid in doomed]
    for handle in handles:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    if run and run["pytest"] == "ends":
        os.write(end, b"\n")
        os.close(end)
    for handle in handles:
        if not select.select([handle], [], [], LATE)[0]:
            raise TimeoutError("a process survives SIGKILL")
        os.close(handle)
    if run and run["pytest"] != "lives" and run["runner"] == "lives":
        runner.wait(LATE)


def processes():
    """Every process that is no zombie: its pid, parent, start and command line."""
    rows = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat") as stat, open(f"/proc/{name}/cmdline", errors="replace") as words:
                    fields = stat.read().rpartition(")")[2].split()
                    if fields[0] not in "ZX":
                        rows.append([int(name), int(fields[1]), int(fields[19]), words.read().strip("\0").replace("\0", " ")])
            except OSError:
                pass
    return rows


def ticks_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[19])


main()
