import { rateText } from "../base/rates.ts";
import { type Bisected, type Shown, type StepShown, type Symptom, WORDS } from "./rules.ts";
import { escapeText } from "../base/escape.ts";
import { gist } from "../pytest/failure.ts";
import type { Printer } from "../terminal/printer.ts";

/** A step on one line: `step 5 of about 11: after 17 of 66: passes (0.8 s)`. */
export function stepLine({ number, of, what, came, seconds }: StepShown): string {
  const count = of === null
    ? ""
    : number > of
    ? ` (more than the ${of} for one culprit)`
    : ` of about ${of}`;
  return `step ${number}${count}: ${escapeText(what)}: ${escapeText(came)} (${
    seconds.toFixed(1)
  } s)`;
}

/** What {@linkcode showBisected} shows. */
export interface BisectedView {
  readonly found: Bisected;
  readonly seconds: number;
  /** Ready to paste; null when there is none. */
  readonly command: string | null;
}

/** Culprits and suspects that are named, at most. */
const SHOWN = 20;

/** Shows what a bisection came to: the culprits, the proof, the command that shows it. */
export function showBisected(printer: Printer, { found, seconds, command }: BisectedView): void {
  const { verdict, culprits, steps, failure, notes, scope } = found;
  const test = escapeText(found.test);
  const does = found.symptom === null ? "goes wrong" : WORDS[found.symptom];
  const took = `${steps} pytest${steps === 1 ? "" : "s"}, ${seconds.toFixed(1)} s`;
  const list = () => {
    for (const id of culprits.slice(0, SHOWN)) printer.line(`  ${escapeText(id)}`);
    if (culprits.length > SHOWN) printer.line(`  … and ${culprits.length - SHOWN} more`);
  };
  for (const note of notes) printer.warn(escapeText(note));
  switch (verdict) {
    case "polluter":
    case "import": {
      const [it, they] = culprits.length === 1 ? ["it", "it"] : ["them", "them"];
      const how = verdict === "import"
        ? "when imported, whatever of it runs"
        : culprits.length === 1
        ? ""
        : "all of these together";
      printer.line(`${printer.paint("red", test)} ${does} after${how === "" ? "" : ` (${how})`}`);
      list();
      printer.line(
        `verified: with ${it} ${shown(found.with, found.symptom)}, without ${they} ${
          shown(found.without, found.symptom)
        } (${took})`,
      );
      break;
    }
    case "by-itself":
      printer.line(
        `${printer.paint("red", test)} ${does} by itself: no polluter (${
          shown(found.with, found.symptom)
        }; ${took})`,
      );
      break;
    case "not-reproduced":
      printer.line(
        `${test} could not be made to ${
          found.symptom ?? "go wrong"
        }: it passes alone, and after all that ran before it (${took})`,
      );
      if (scope !== null) {
        printer.note(`last tried: after ${found.before} tests, in ${escapeText(scope)}`);
      }
      printer.hint(
        "when it does not show each time: --repeat 5; to look among other tests: --in TARGET; another time limit: --test-timeout",
      );
      break;
    case "not-deterministic":
      printer.line(
        `${test} ${does} only sometimes: what the search ended with does not hold (${took})`,
      );
      list();
      if (found.with.runs > 0) {
        const said = (times: Shown) =>
          `${shown(times, found.symptom)}, ${
            rateText({ failures: times.shown, trials: times.runs })
          }`;
        printer.line(
          found.without.runs === 0
            ? `with ${said(found.with)}`
            : `with ${said(found.with)}; without ${said(found.without)}`,
        );
      }
      printer.hint("run each step several times: --repeat 5");
      break;
    case "interrupted":
      printer.line(
        `interrupted after ${took}${
          culprits.length === 0 ? "" : `; ${test} ${does} after these ${culprits.length}:`
        }`,
      );
      list();
      break;
  }
  if (failure !== null) {
    for (const line of gist(failure)) {
      printer.line(`    ${escapeText(line)}`);
    }
  }
  if (command !== null) printer.line(`reproduce: ${command}`);
}

/** `3 of 5 runs fail` */
function shown({ runs, shown }: Shown, symptom: Symptom | null): string {
  return `${shown} of ${runs} run${runs === 1 ? "" : "s"} ${symptom ?? "go wrong"}${
    runs === 1 && symptom !== null ? "s" : ""
  }`;
}
