import {
  type Comparison,
  removeIfThere,
  type Scene,
  type Side,
  SLOW_ROUNDS,
  TRACTEST,
} from "./harness.ts";
import { probes } from "./probes.ts";

/** The recipe's steps before a run, one after another, as a person types them. */
function preflightByHand(root: string): string {
  const shown = "os.environ.get('VIRTUAL_ENV', ''), sys.prefix, sys.executable";
  return `python -c "import sys, os; print(${shown})"
git rev-parse --git-common-dir --git-dir
python -c 'import tractor; print(tractor.__file__)'
python -c 'import tractor; print(tractor)'
python -m pytest tests/ -x -q --co 2>&1 | tail -5
${probes(root)}`;
}

/** The checks before a run. */
export function preflight({ root, python }: Scene): Comparison[] {
  const forget = () => removeIfThere(`${root}/xdg/cache/tractest/preflight`);
  const activated = `export PATH="${python.slice(0, python.lastIndexOf("/"))}:$PATH"; `;
  const byHand: Side = {
    name: "the same steps by hand",
    argv: ["sh", "-c", activated + preflightByHand(root)],
  };
  const preflight = [TRACTEST, "run", "--preflight-only"];
  return [
    {
      name: "preflight, warm",
      rounds: SLOW_ROUNDS,
      ours: { name: "tractest run --preflight-only", argv: preflight },
      theirs: byHand,
      goal: { ratio: 0.15 },
    },
    {
      name: "preflight, cold",
      rounds: SLOW_ROUNDS,
      ours: {
        name: "tractest run --preflight-only, nothing remembered",
        argv: preflight,
        before: forget,
      },
      theirs: byHand,
      goal: { ratio: 0.7 },
    },
  ];
}
