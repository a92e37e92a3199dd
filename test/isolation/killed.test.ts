import { join } from "@std/path";
import { assert, assertEquals } from "../assert.ts";
import { USERS, UsersSuite } from "../cli/isolated_users.ts";
import { Running } from "../cli/running.ts";
import { ISOLATED } from "../cli/suites.ts";
import { TRACTEST } from "../cli/tractest.ts";
import { isRoot } from "../leaks/scene.ts";

/** How often tractest is killed, for all users together. */
const KILLS = 100;
/** How many runs there are at once, each in its own isolation. */
const AT_ONCE = 4;
/**
 * Processes that will not end, with one that has lost its parent; a listener, a socket, a segment
 * of shared memory.
 */
const BUSY = `
import os, signal, socket, subprocess, sys, time
def test_busy():
    open(os.environ["MARKS"] + "/" + os.environ["MARK"], "w").close()
    ignores = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]"
    stays = ignores + "; time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", stays], start_new_session=True)
    subprocess.run(["sh", "-c", '"$0" -c "$1" & exit', sys.executable, stays])
    registry = socket.socket(); registry.bind(("127.0.0.1", 1616)); registry.listen()
    os.mkdir(os.environ["XDG_RUNTIME_DIR"] + "/tractor")
    path = os.environ["XDG_RUNTIME_DIR"] + "/tractor/registry@1616.sock"
    own = socket.socket(socket.AF_UNIX); own.bind(path); own.listen()
    open("/dev/shm/psm_busy", "w").close()
    time.sleep(0.4)
`;

/**
 * Runs in namespaces of its own, so that everything inside is ours: starts runs, kills tractest
 * after that many hundredths of a second, then waits until everything is as before. Prints for each
 * round how long that took, or what is left.
 */
const DRIVER = `
seen() {
  ps -eo pid=,ppid=,stat=,args= -ww | while read -r pid ppid stat args; do
    case $pid,$ppid,$stat in 1,*|*,1,Z*) continue ;; esac
    case $args in ps\\ -eo*|sh\\ -c*) ;; *) echo "process $pid $args" ;; esac
  done
  sed 's/^[^ ]* [^ ]* /mount /' /proc/self/mountinfo
  ss -tlnH; ss -xlH
  ls -A /dev/shm
  find "$RUNTIME" -type s
}
ip link set lo up
mount -n -t tmpfs tmpfs /dev/shm
before=$(seen)
namespaces=$(lsns -n -r -o NS | sort)
mark=0
began=$(date +%s)
for round in $ROUNDS; do
  # A machine that is busy gets fewer.
  if [ $(($(date +%s) - began)) -gt 60 ]; then break; fi
  started=
  for delay in $(echo "$round" | tr , ' '); do
    mark=$((mark + 1))
    MARK=$mark "$@" </dev/null >/dev/null 2>&1 &
    started="$started $!:$delay"
  done
  for one in $started; do
    delay=\${one#*:}
    (sleep "$(printf %d.%02d $((delay / 100)) $((delay % 100)))"
      kill -9 "\${one%:*}" 2>/dev/null) &
  done
  wait
  waited=0
  until now=$(seen); [ "$now" = "$before" ] && [ "$(lsns -n -r -o NS | sort)" = "$namespaces" ]; do
    waited=$((waited + 1))
    if [ $waited -gt 100 ]; then printf 'left:\\n%s\\n' "$now"; exit 1; fi
    sleep 0.02
  done
  echo "clean after $waited scans"
done
`;

for (const user of USERS) {
  const here = ISOLATED !== null;
  const kills = Math.ceil(KILLS / USERS.length / AT_ONCE) * AT_ONCE;
  Deno.test({
    name: `isolated, as ${user.name}: after SIGKILL of tractest at any point ` +
      `no process, namespace, mount, socket or memory is left${here ? "" : " (needs namespaces)"}`,
    ignore: !here,
    fn: async () => {
      await using suite = await UsersSuite.of(user, { "test_a.py": BUSY });
      await Deno.mkdir(join(suite.path, "runtime"));
      await Deno.mkdir(join(suite.path, "marks"));
      await suite.give();
      const marks = { MARKS: join(suite.path, "marks") };
      // A self-contained binary unpacks itself first, so that this is not interrupted here.
      await suite.tractest(["version"]);
      const began = performance.now();
      const whole = Array.from(
        { length: AT_ONCE },
        (_, index) =>
          suite.tractest(["run", "--no-preflight", "--isolate"], {
            MARK: `whole-${index}`,
            ...marks,
          }),
      );
      for (const { code, stdout, stderr } of await Promise.all(whole)) {
        assertEquals(code, 0, stdout + stderr);
      }
      // Hundredths of a second in which that many runs end by themselves.
      const longest = Math.ceil((performance.now() - began) / 10);
      const rounds = Array.from(
        { length: kills / AT_ONCE },
        () => Array.from({ length: AT_ONCE }, () => Math.floor(Math.random() * longest)).join(","),
      );
      const own = isRoot ? [] : ["--user", "--map-current-user", "--keep-caps"];
      const around = [
        "unshare",
        ...own,
        "--net",
        "--pid",
        "--ipc",
        "--mount",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        DRIVER,
        "sh",
      ];
      const command = [...user.as, TRACTEST, "run", "--no-preflight", "--isolate"];
      const env = suite.environment({
        ROUNDS: rounds.join(" "),
        RUNTIME: join(suite.path, "runtime"),
        ...marks,
      });
      await using driver = new Running([...around, ...command], { cwd: suite.root, env });
      const { code, stdout, stderr } = await driver.ended;
      assertEquals(code, 0, `${rounds.join(" ")}\n${stdout}${stderr}`);
      const scans = [...stdout.matchAll(/clean after (\d+) scans/g)].map((match) =>
        Number(match[1])
      );
      assert(scans.length > 0, stderr);
      const within = (await Array.fromAsync(Deno.readDir(marks.MARKS))).length - AT_ONCE;
      const made = scans.length * AT_ONCE;
      console.log(
        `${made} kills, ${within} when the test had begun; ` +
          `nothing left after at most ${Math.max(...scans)} scans, 20 ms apart`,
      );
    },
  });
}
