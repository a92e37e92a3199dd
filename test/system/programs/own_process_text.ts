/** A boot id. */
export const BOOT_ID = "11111111-2222-3333-4444-555555555555";
const STAT = `7 (tractest) S 1 7 7 0 -1 ${"0 ".repeat(13)}4242 ${"0 ".repeat(25)}0`;

/** The output of `cat` for a tractest with pid 7, started with an environment at tick 4242. */
export function ownProcessText(environment: string, ignoresSigint = false): string {
  const mask = `000000000000100${ignoresSigint ? 2 : 0}`;
  const status = `Name:\ttractest\nUid:\t1000\t1000\t1000\t1000\nSigIgn:\t${mask}\n`;
  return `${BOOT_ID}\n${STAT}\n${status}${BOOT_ID}\n${environment}`;
}
