/** Pseudo-random numbers, the same for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of them, each as often as its weight says. */
  weighted<T extends { readonly weight: number }>(all: readonly T[]): T {
    let at = this.next() * all.reduce((sum, one) => sum + one.weight, 0);
    return all.find((one) => (at -= one.weight) < 0) ?? all.at(-1)!;
  }

  pick<T>(all: readonly T[]): T {
    return all[this.between(0, all.length - 1)]!;
  }
}
