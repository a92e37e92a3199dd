/** How to load the processors. */
export interface LoadOptions {
  /** How many of them, each by a thread of its own. */
  readonly processors: number;
  readonly windows: number;
  readonly windowMs: number;
  /** Called when the first window begins, and in the middle of the time. */
  readonly begun: () => Promise<void>;
  readonly halfway: () => Promise<void>;
}

/** Milliseconds of load that are not measured: the code is compiled, and the clock rises. */
const WARM_UP_MS = 300;
/** Milliseconds for threads to start. */
const START_MS = 200;

/**
 * Counts small pieces of work in windows of equal length. It is text: a thread loads a file by its
 * path, which a bundled program does not have.
 */
const THREAD = `
const work = (x) => {
  for (let i = 0; i < 20000; i++) x = (Math.imul(x ^ (x >>> 7), 1664525) + 1013904223) | 0;
  return x;
};
onmessage = ({ data: { beginsAt, windows, windowMs } }) => {
  let x = 1;
  while (Date.now() < beginsAt) x = work(x);
  const start = performance.now();
  const counts = [];
  for (let window = 1; window <= windows; window++) {
    let count = 0;
    for (const end = start + window * windowMs; performance.now() < end; count++) x = work(x);
    counts.push(count);
  }
  postMessage({ counts, x });
};
`;

/** A compiled program finds no `blob:`. */
const URL_OF_THREAD = `data:text/javascript,${encodeURIComponent(THREAD)}`;

/**
 * Loads processors for a while.
 *
 * @returns the work that each thread did in each window, in units of no meaning
 * @throws {Error} if a thread can't be started
 */
export async function loadProcessors(
  { processors, windows, windowMs, begun, halfway }: LoadOptions,
): Promise<number[][]> {
  const threads: Worker[] = [];
  try {
    const beginsAt = Date.now() + START_MS + WARM_UP_MS;
    const counting = Array.from({ length: processors }, () => {
      const thread = new Worker(URL_OF_THREAD, { type: "module" });
      threads.push(thread);
      return countsOf(thread, { beginsAt, windows, windowMs });
    });
    const after = (ms: number) =>
      new Promise((done) => setTimeout(done, START_MS + WARM_UP_MS + ms));
    const [counts] = await Promise.all([
      Promise.all(counting),
      after(0).then(begun),
      after(windows * windowMs / 2).then(halfway),
    ]);
    return counts;
  } finally {
    for (const thread of threads) thread.terminate();
  }
}

function countsOf(thread: Worker, task: Readonly<Record<string, number>>): Promise<number[]> {
  return new Promise((resolve, reject) => {
    thread.onmessage = ({ data }) => resolve(data.counts);
    thread.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    thread.postMessage(task);
  });
}
