/** A place in tractor's repository that documents such hangs, found by text: lines move. */
export interface HangNoteRow {
  readonly what: string;
  /** Files of the checkout; {@linkcode CONFTESTS} for that of every directory of the tests. */
  readonly files: readonly string[];
  /** Text in the file; null: its existence is enough. */
  readonly text: string | null;
}

/** Fixtures move between directories. */
export const CONFTESTS = "tests/**/conftest.py";

export const HANG_NOTES = [
  {
    what: "guard against too much logging in the daemon fixture",
    files: [CONFTESTS],
    text: "too much logging will lock up the subproc",
  },
  {
    what: "note on reading the daemon's stderr after SIGINT",
    files: [CONFTESTS],
    text: "can lock up on the _io.BufferedReader",
  },
  {
    what: "post-mortem of the hang under a fork server",
    files: ["ai/conc-anal/subint_forkserver_test_cancellation_leak_issue.md"],
    text: null,
  },
  {
    what: "option --enable-stackscope, which makes SIGUSR1 print task trees",
    files: ["tractor/_testing/pytest.py", CONFTESTS],
    text: "--enable-stackscope",
  },
] as const satisfies readonly HangNoteRow[];
