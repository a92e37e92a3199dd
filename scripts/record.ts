/** Records a session in the sample at a terminal, and draws it: see scripts/record. */
import { endLeft, shell, storeProject } from "../test/cli/store_project.ts";
import { NOISE } from "../test/cli/console_examples.ts";
import { animation, type Frame, Screen } from "./terminal_picture.ts";

const [COLUMNS, ROWS] = [92, 26];
const PICTURE = new URL("../docs/demo.svg", import.meta.url);

/** What is typed. */
const COMMANDS = [
  "tractest run trouble/test_leak.py",
  "tractest run -x --tb=short test_client",
  "tractest zombies --kill",
  "tractest run test_client",
  "tractest run trouble/test_hang.py --test-timeout 2",
];

/** Seconds: between keys, before Enter, the longest pause in output, to read what is there. */
const [KEY, ENTER, LONGEST, READ] = [0.06, 0.4, 0.5, 3.5];
/** Keys that appear at once: fewer pictures. */
const KEYS = 4;

const recorded = await record();
const picture = animation(frames(recorded), { columns: COLUMNS, rows: ROWS });
await Deno.writeTextFile(PICTURE, picture);
console.log(`docs/demo.svg: ${Math.ceil(picture.length / 1024)} kB`);

/** The lines of each command with their times. */
async function record(): Promise<[index: number, time: number, line: string][]> {
  await using project = await storeProject();
  await shell(project, "tractest version");
  const program = new URL("record_terminal.py", import.meta.url).pathname;
  const words = COMMANDS.map((command) => `'${command}'`).join(" ");
  const printed = await shell(project, `python3 '${program}' ${COLUMNS} ${ROWS} ${words}`);
  await endLeft(project);
  return printed.trim().split("\n")
    .map((line): [number, number, string] => JSON.parse(line))
    .map(([index, time, line]): [number, number, string] => [
      index,
      time,
      line.replaceAll(project.root, "/home/dev/store").replaceAll(project.path, "/tmp"),
    ])
    // deno-lint-ignore no-control-regex
    .filter(([, , line]) => !NOISE.test(line.replace(/\x1b\[[0-9;]*m/g, "").trim()));
}

function frames(lines: readonly (readonly [number, number, string])[]): Frame[] {
  const screen = new Screen(COLUMNS, ROWS);
  const shown: Frame[] = [];
  let now = 0;
  for (const [index, command] of COMMANDS.entries()) {
    screen.write("\x1b[1;32m$\x1b[0m ");
    for (let at = 0; at < command.length; at += KEYS) {
      screen.write(command.slice(at, at + KEYS));
      shown.push({ time: now += KEY * KEYS, lines: screen.lines() });
    }
    now += ENTER;
    screen.write("\r\n");
    let before = 0;
    for (const [, time, line] of lines.filter(([each]) => each === index)) {
      const pause = Math.min(time - before, LONGEST);
      // Lines that come at once are one picture.
      if (pause > 0.02) shown.push({ time: now, lines: screen.lines() });
      [now, before] = [now + pause, time];
      screen.write(`${line}\n`);
    }
    shown.push({ time: now, lines: screen.lines() });
    now += READ;
  }
  return [...shown, { time: now, lines: screen.lines() }];
}
