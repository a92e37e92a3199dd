/** The public suites that are tried: where they are, how they are prepared, how they are run. */

import type { Suite } from "./results.ts";

const INSTALL = "uv pip install --quiet pytest-xdist";

/** All suites, the quick ones first. */
export const SUITES = [
  {
    name: "pluggy",
    repository: "pytest-dev/pluggy",
    revision: "e382e72789f8d791991c489d4322aa04e660b952",
    python: "3.13",
    prepare: [`${INSTALL} -e . pytest pytest-benchmark coverage`],
    options: [],
    targets: [],
    notes: ["Starts no processes: what tractest costs where there is nothing for it to do."],
  },
  {
    name: "pebble",
    repository: "noxdafox/pebble",
    revision: "95150f070d3deb76deed0141bdacf13042b8c64b",
    python: "3.13",
    prepare: [`${INSTALL} -e . pytest`],
    options: [],
    targets: [
      "test/test_concurrent_process_fork.py",
      "test/test_concurrent_process_forkserver.py",
      "test/test_concurrent_thread.py",
      "test/test_asynchronous_process_fork.py",
      "test/test_asynchronous_thread.py",
      "test/test_pebble.py",
    ],
    notes: [
      "Process pools. No configuration of pytest at all; tests lie in `test/`. The pools of the" +
      " other start methods are left out: they take two minutes more.",
    ],
  },
  {
    name: "loky",
    repository: "joblib/loky",
    revision: "b153e01c653de3f1d2f8abb602036d5acbff2565",
    python: "3.13",
    prepare: [`${INSTALL} -e '.[tests]'`],
    options: [],
    targets: [
      "tests/test_loky_backend.py",
      "tests/test_futures.py",
      "tests/test_cloudpickle_wrapper.py",
    ],
    notes: [
      "Processes with a resource tracker and semaphores. The executors are left out: they take " +
      "eight minutes more.",
    ],
  },
  {
    name: "execnet",
    repository: "pytest-dev/execnet",
    revision: "92b49637f37d2cadb44eb70279a150cd7c03bebb",
    python: "3.13",
    prepare: [`${INSTALL} -e . pytest pytest-timeout gevent`],
    options: ["-k", "not gevent and not main_thread_only"],
    targets: [],
    byChance: ["testing/test_termination.py::test_termination_on_remote_channel_receive"],
    notes: [
      "Gateways that tests share by parametrized fixtures of the session.",
      "Theirs: test_remote_exec_module_is_removed fails where another of its parameters ran " +
      "before it in the same process, and passes alone; under `--jobs` that is contention. " +
      "Others lose a race now and then, such as test_waitclose_on_remote_killed and " +
      "test__rinfo.",
      "test_termination_on_remote_channel_receive takes 0.1 s or 5 s by chance: a worker of " +
      "execnet that is ended at once after it got a task loses the task, and waits 5 s for it. " +
      "The task had not begun in any of 62 slow tries, and had in all of 58 quick ones: 29 of " +
      "60 outside were slow, 33 of 60 in namespaces. So `xdist` and `jobs` leave it out.",
    ],
  },
  {
    name: "pexpect",
    repository: "pexpect/pexpect",
    revision: "fc8f062518b40bd0862aae870cdedf5d9c0c7fc3",
    python: "3.13",
    prepare: [`${INSTALL} -e . pytest`],
    options: [],
    targets: [
      "tests/test_misc.py",
      "tests/test_run.py",
      "tests/test_isalive.py",
      "tests/test_unicode.py",
      "tests/test_interact.py",
      "tests/test_delay.py",
      "tests/test_popen_spawn.py",
      "tests/test_async.py",
      "tests/test_filedescriptor.py",
      "tests/test_winsize.py",
      "tests/test_env.py",
    ],
    notes: [
      "Children at terminals of their own. What only waits for its time limits, or measures " +
      "speed, is left out.",
    ],
  },
  {
    name: "werkzeug",
    repository: "pallets/werkzeug",
    revision: "1b00618e787f40dfb21eba29caf8f8be7c8e1d93",
    python: "3.13",
    prepare: [`${INSTALL} -e . --group tests`],
    options: ["--deselect=tests/test_serving.py::test_reloader_sys_path[watchdog]"],
    targets: [],
    notes: [
      "Development servers with a reloader, on ports of their own. The test that is left out " +
      "waits for a file event without an end where the file system sends none.",
    ],
  },
  {
    name: "billiard",
    repository: "celery/billiard",
    revision: "bd2f803b78f9f2a7fce62ed6d846333270f29e07",
    python: "3.12",
    prepare: [`${INSTALL} -e . pytest psutil`],
    options: [],
    targets: [],
    notes: [
      "Forks, a fork server, semaphores.",
      "Theirs: a pool that test_timeout_handler_iterates_with_cache never closes forks from a" +
      " process with threads. About one run in ten hangs at its exit, with bare pytest for " +
      "ever; tractest ends it after 30 s, and names the test and the child.",
      "test_set_pdeathsig failed once inside, and in none of 8 tries after that, nor outside: by " +
      "its code it may signal its child before that is ready, or end it when it is gone.",
    ],
  },
  {
    name: "uvicorn",
    repository: "encode/uvicorn",
    revision: "e6c7ce791fc634b6eedee40e0d0207faa8a9aefd",
    python: "3.13",
    prepare: [`${INSTALL} -e . -r requirements.txt`],
    options: [],
    targets: [
      "tests/supervisors",
      "tests/test_main.py",
      "tests/test_server.py",
      "tests/test_ssl.py",
      "tests/test_subprocess.py",
      "tests/protocols/test_http.py",
    ],
    byChance: ["tests/supervisors/test_multiprocess.py::test_multiprocess_health_check"],
    notes: [
      "Servers and supervisors; `addopts` has `-n 8`, so that bare pytest is xdist, too.",
      "Theirs: eight workers on two processors make tests of time miss, other ones each time;" +
      " they pass alone, and with `-n 2` and `--jobs 2`, which override `-n 8`. Supervisors " +
      "of failed tests leave workers and their resource tracker alive.",
      "test_multiprocess_health_check takes 2 s or 7 s by chance, by whether a worker that was " +
      "killed is gone at once: 7 s in 29 of 30 tries with bare pytest, 27 of 30 with xdist, 30 " +
      "of 30 with `run` and with `--isolate`. So `xdist` and `jobs` leave it out.",
    ],
  },
  {
    name: "anyio",
    repository: "agronholm/anyio",
    revision: "660a06d548ca72759e9d89ed722dd1ad5227afe4",
    python: "3.13",
    prepare: [`${INSTALL} -e '.[trio]' --group test`],
    options: ["-m", "not network"],
    targets: [
      "tests/test_subprocesses.py",
      "tests/test_signals.py",
      "tests/test_to_interpreter.py",
      "tests/test_from_thread.py",
      "tests/test_debugging.py",
    ],
    uncompared: ["tests/test_to_process.py"],
    notes: [
      "Sockets of all kinds, processes, signals.",
      "The workers of test_to_process.py import the file of `__main__`: that is pytest, and " +
      "takes each of the 36 about 0.05 s. In xdist's workers `__main__` has no file, and tests " +
      "that read it fail. So `xdist` and `jobs` leave this file out: the work is not the same.",
    ],
  },
  {
    name: "gunicorn",
    repository: "benoitc/gunicorn",
    revision: "65ac1a3a4c0aa00960968c720d6e6bd2ac32f1b9",
    python: "3.13",
    prepare: [`${INSTALL} -e '.[testing]'`],
    options: [],
    targets: [
      "tests/test_signal_integration.py",
      "tests/test_gthread.py",
      "tests/test_arbiter.py",
      "tests/test_config.py",
      "tests/test_valid_requests.py",
      "tests/test_sock.py",
      "tests/workers",
      "tests/ctl",
    ],
    notes: [
      "Arbiters and workers; `addopts` has `--cov`.",
      "test_app_config failed once beside other tests and passes alone: it reads settings that " +
      "others may have changed.",
    ],
  },
  {
    name: "jupyter_client",
    repository: "jupyter/jupyter_client",
    revision: "8d760b1efeff2ac7aa2b4b75c44023e59c6945f8",
    python: "3.13",
    prepare: [`${INSTALL} -e '.[test]'`],
    options: [],
    targets: [
      "tests/test_manager.py",
      "tests/test_provisioning.py",
      "tests/test_public_api.py",
      "tests/test_session.py",
      "tests/test_connect.py",
    ],
    notes: [
      "Kernels, each a process that is restarted and interrupted; doctests in the package.",
      "Warnings are errors here. Two pytests that remove the same old temporary directory at " +
      "once disturb each other, and since 9.1 pytest then exits with 1 though all tests passed: " +
      "once in 300 runs of `--jobs 2`, until tractest gave them one place.",
    ],
  },
  {
    name: "circus",
    repository: "circus-tent/circus",
    revision: "ce7bab244cdbc736591517fbddb4f92836906129",
    python: "3.12",
    prepare: [`${INSTALL} -e . pytest mock pyyaml gevent`],
    options: [],
    targets: [
      "tests/test_arbiter.py",
      "tests/test_circusctl.py",
      "tests/test_stream.py",
      "tests/test_command_kill.py",
      "tests/test_sighandler.py",
      "tests/test_sockets.py",
      "tests/test_process.py",
      "tests/test_stdin_socket.py",
      "tests/test_umask.py",
      "tests/test_client.py",
      "tests/test_runner.py",
    ],
    notes: [
      "A process manager with watchers and sockets.",
      "test_plugins failed once on a busy machine and passes alone: it waits for a fixed time.",
    ],
  },
  {
    name: "trio",
    repository: "python-trio/trio",
    revision: "60d0c2f84854ec6ef74995663dcdce3296840485",
    python: "3.13",
    prepare: [`${INSTALL} -e . -r test-requirements.txt`],
    options: [],
    targets: [],
    notes: [
      "Tests lie in the package below `src/`; its pytest plugin is in it, too.",
      "Theirs: test_trio.py drops trio's modules from sys.modules, so that tests after it in the " +
      "same process see two of each class: `pytest test_trio.py test_cancelled.py` fails, too. " +
      "In pytest's order few come after it.",
    ],
  },
  {
    name: "psutil",
    repository: "giampaolo/psutil",
    revision: "d77cf39abb5b423bde4bb0420eba78203281376b",
    python: "3.13",
    prepare: [
      `${INSTALL} -e . pytest pytest-instafail setuptools`,
      "uv pip install --quiet 'psleak @ " +
      "git+https://github.com/giampaolo/psleak@d71986068da6cb2c8aff7d17c767578e6f1dbac6'",
    ],
    options: ["--ignore=tests/test_memleaks.py"],
    targets: [],
    notes: [
      "Reads all processes and connections of the machine.",
      "Outside only: test_all reads the environment of a kernel thread, which this kernel " +
      "refuses in a way that psutil does not know. Inside there are no such processes.",
    ],
  },
  {
    name: "plumbum",
    repository: "tomerfiliba/plumbum",
    revision: "f2778617699704c2eae86d10dedffb6ee565293c",
    python: "3.13",
    prepare: [`${INSTALL} -e . --group test 'pytest<9'`],
    options: [],
    targets: [],
    notes: [
      "Commands, pipelines and terminals, also with asyncio. pytest 9 warns of what conftest.py " +
      "reads, which `filterwarnings = error` makes an internal error.",
    ],
  },
  {
    name: "honcho",
    repository: "nickstenning/honcho",
    revision: "2f47b723587c65ecbadc99e674b515b20a749179",
    python: "3.13",
    prepare: [`${INSTALL} -e '.[export]' pytest mock`],
    options: [],
    targets: [],
    notes: ["A manager of processes, and its command line."],
  },
  {
    name: "piker",
    repository: "pikers/piker",
    revision: "757b209f88fb2889fd87c6aaffbb570211fdb95e",
    python: "3.11",
    prepare: [
      `${INSTALL} pytest setuptools wheel 'trio<0.23' trio-websocket trio-util trio-typing ` +
      "async-generator tomli tomli-w tomlkit colorlog attrs pygments colorama msgspec typer rich " +
      "asks ib-insync 'pendulum<3' bidict cython 'numpy<2' numba docker elasticsearch " +
      "fuzzywuzzy PyQt5 pyqtgraph 'qdarkstyle>=3.0.2'",
      "uv pip install --quiet 'tractor @ git+https://github.com/goodboy/tractor@7507e269'",
      "uv pip install --quiet --no-deps -e .",
    ],
    runOptions: ["--no-defaults"],
    environment: { PYTHONHASHSEED: "0" },
    options: ["--ignore=tests/test_docker_services.py", "--ignore=tests/test_ems.py"],
    targets: [],
    notes: [
      "An application on tractor. What needs an exchange fails where there is no internet.",
      "The ids of its tests hold sets: without PYTHONHASHSEED they differ between processes, " +
      "and xdist refuses the suite.",
    ],
  },
] as const satisfies readonly Suite[];
