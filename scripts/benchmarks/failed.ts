import { type Comparison, QUICK_ROUNDS, type Scene, TRACTEST } from "./harness.ts";

const LASTFAILED_READER = `
import json, pathlib, sys
p = pathlib.Path('.pytest_cache/v/cache/lastfailed')
if not p.exists():
    print('No lastfailed cache found.'); sys.exit()
tests = sorted(k for k in json.loads(p.read_text()) if k.startswith('tests/'))
print(f'{len(tests)} last-failed test(s):' if tests else 'No failures recorded.')
for t in tests:
    print(f'  {t}')
`;
/** What pytest recorded as failed. */
export function failed({ python }: Scene): Comparison[] {
  return [
    {
      name: "failed",
      rounds: QUICK_ROUNDS,
      ours: { name: "tractest failed", argv: [TRACTEST, "failed"] },
      theirs: { name: "the recipe's Python reader", argv: [python, "-c", LASTFAILED_READER] },
      goal: { ratio: 1.1 },
    },
  ];
}
