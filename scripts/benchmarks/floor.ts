import { type Comparison, QUICK_ROUNDS, type Scene, TRACTEST } from "./harness.ts";

/** What could still be gained: quick commands compared with a bare start of Deno. */
export function floor({ bareDeno }: Scene): Comparison[] {
  return [
    {
      name: "floor: failed",
      rounds: QUICK_ROUNDS,
      ours: { name: "tractest failed", argv: [TRACTEST, "failed"] },
      theirs: bareDeno,
      goal: { ratio: Infinity },
    },
    {
      name: "floor: zombies",
      rounds: QUICK_ROUNDS,
      ours: { name: "tractest zombies", argv: [TRACTEST, "zombies"] },
      theirs: bareDeno,
      goal: { ratio: Infinity },
    },
    {
      name: "floor: version",
      rounds: QUICK_ROUNDS,
      ours: { name: "tractest version", argv: [TRACTEST, "version"] },
      theirs: bareDeno,
      goal: { ratio: Infinity },
    },
  ];
}
