import { escapeText } from "../base/escape.ts";
import { plural } from "../base/plural.ts";
import { rateText } from "../base/rates.ts";
import { gist } from "../pytest/failure.ts";
import type { Printer } from "../terminal/printer.ts";
import { shownId, unbroken } from "../terminal/wrap.ts";
import { type Bisected, type Shown, type StepShown, type Symptom, WORDS } from "./rules.ts";

/** A step on one line: `step 5 of about 11: after 17 of 66: passes (0.8 s)`. */
export function stepLine({ number, of, what, came, seconds }: StepShown): string {
  const about = of === null ? "" : ` of about ${of}`;
  const count = of !== null && number > of ? ` (more than the ${of} for one culprit)` : about;
  const result = `${escapeText(what)}: ${escapeText(came)}`;
  return `step ${number}${count}: ${result} (${seconds.toFixed(1)} s)`;
}

/** What {@linkcode showBisected} shows. */
export interface BisectedView {
  readonly found: Bisected;
  readonly seconds: number;
  /** Ready to paste; null if nothing was found. */
  readonly command: string | null;
}

/** How many culprits and suspects are listed. */
const SHOWN = 20;

/** Shows the result of a bisection: the culprits, the proof, the command that reproduces it. */
export function showBisected(printer: Printer, { found, seconds, command }: BisectedView): void {
  const { steps, failure, notes } = found;
  for (const note of notes) printer.warn(escapeText(note));
  SHOW[found.verdict](printer, found, `${plural(steps, "pytest")}, ${seconds.toFixed(1)} s`);
  for (const line of failure === null ? [] : gist(failure)) printer.line(`    ${escapeText(line)}`);
  if (command !== null) printer.line(`reproduce: ${unbroken(command)}`);
}

/** How each verdict is shown; `took`: how many pytests it took, and how long. */
const SHOW: Readonly<
  Record<Bisected["verdict"], (printer: Printer, found: Bisected, took: string) => void>
> = {
  polluter: showCulprits,
  import: showCulprits,
  "by-itself": (printer, found, took) => {
    const test = printer.paint("red", shownId(found.test));
    const runs = runsText(found.with, found.symptom);
    printer.line(`${test} ${doesText(found)} by itself: no polluter (${runs}; ${took})`);
  },
  "not-reproduced": (printer, { test, symptom, scope, before }, took) => {
    printer.line(
      `${shownId(test)} did not ${symptom ?? "go wrong"}: ` +
        `it passes alone, and after all tests before it (${took})`,
    );
    if (scope !== null) {
      printer.note(`last tried: after ${plural(before, "test")}, in ${escapeText(scope)}`);
    }
    printer.hint(
      "if it does not show each time: --repeat 5; to search among other tests: --in TARGET; " +
        "another time limit: --test-timeout",
    );
  },
  "not-deterministic": (printer, found, took) => {
    const test = shownId(found.test);
    printer.line(`${test} ${doesText(found)} only sometimes: the result is not certain (${took})`);
    listCulprits(printer, found);
    if (found.with.runs > 0) {
      const [withThem, without] = [found.with, found.without].map((one) => rated(one, found));
      printer.line(`with ${withThem}${found.without.runs === 0 ? "" : `; without ${without}`}`);
    }
    printer.hint("run each step several times: --repeat 5");
  },
  interrupted: (printer, found, took) => {
    const { culprits } = found;
    const suspects = `${shownId(found.test)} ${doesText(found)} after these ${culprits.length}:`;
    printer.line(`interrupted after ${took}${culprits.length === 0 ? "" : `; ${suspects}`}`);
    listCulprits(printer, found);
  },
};

function showCulprits(printer: Printer, found: Bisected, took: string): void {
  const { verdict, culprits, symptom } = found;
  const together = culprits.length === 1 ? "" : " (all of these together)";
  const how = verdict === "import" ? " (when imported, whichever of its tests run)" : together;
  printer.line(`${printer.paint("red", shownId(found.test))} ${doesText(found)} after${how}`);
  listCulprits(printer, found);
  const it = culprits.length === 1 ? "it" : "them";
  const withThem = runsText(found.with, symptom);
  const without = runsText(found.without, symptom);
  printer.line(`verified: with ${it} ${withThem}, without ${it} ${without} (${took})`);
}

function listCulprits(printer: Printer, { culprits }: Bisected): void {
  for (const id of culprits.slice(0, SHOWN)) printer.line(`  ${shownId(id)}`);
  if (culprits.length > SHOWN) printer.line(`  … and ${culprits.length - SHOWN} more`);
}

function doesText({ symptom }: Bisected): string {
  return symptom === null ? "goes wrong" : WORDS[symptom];
}

/** `3 of 5 runs fail` */
function runsText({ runs, shown }: Shown, symptom: Symptom | null): string {
  const does = runs === 1 && symptom !== null ? WORDS[symptom] : symptom ?? "go wrong";
  return `${shown} of ${plural(runs, "run")} ${does}`;
}

/** `3 of 5 runs fail, 60% (23-88%)` */
function rated(times: Shown, { symptom }: Bisected): string {
  return `${runsText(times, symptom)}, ${rateText({ failures: times.shown, trials: times.runs })}`;
}
