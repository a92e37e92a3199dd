/** The id of a boot. */
export const BOOT_ID = "11111111-2222-3333-4444-555555555555";
const STAT = `7 (tractest) S 1 7 7 0 -1 ${"0 ".repeat(13)}4242 ${"0 ".repeat(25)}0`;

/**
 * What `cat` prints for a tractest with pid 7, 4242 ticks after the boot, that was started with an
 * environment.
 */
export function ownProcessText(environment: string, ignoresSigint = false): string {
  const status = `Name:\ttractest\nUid:\t1000\t1000\t1000\t1000\nSigIgn:\t000000000000100${
    ignoresSigint ? 2 : 0
  }\n`;
  return `${BOOT_ID}\n${STAT}\n${status}${BOOT_ID}\n${environment}`;
}
