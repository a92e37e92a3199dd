import type { Interpreter } from "./python.ts";

/** What changes in the environment of a program, and nothing else of it. */
export interface EnvironmentChange {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

/** Where programs are found when PATH is not set at all. */
const WITHOUT_PATH = "/usr/bin:/bin";

/**
 * What activating a venv changes: tests that start `python` by name need the one that runs them,
 * and what reads VIRTUAL_ENV as well. `uv run` activates the venv itself.
 *
 * @param inherited the environment without it
 */
export function activation(
  { argv, venv }: Interpreter,
  inherited: ReadonlyMap<string, string>,
): EnvironmentChange {
  const unset = inherited.has("PYTHONHOME") ? ["PYTHONHOME"] : [];
  if (argv.length > 1) return { set: {}, unset };
  if (venv === null) return { set: {}, unset: [] };
  const before = inherited.get("VIRTUAL_ENV");
  const places = (inherited.get("PATH") ?? WITHOUT_PATH).split(":");
  const own = `${venv}/bin`;
  // Activating one deactivates the other.
  const others = places.filter((place) =>
    place !== own && (!before || before === venv || place !== `${before}/bin`)
  );
  const path = [own, ...others].join(":");
  const set = {
    ...(before === venv ? {} : { VIRTUAL_ENV: venv }),
    ...(path === inherited.get("PATH") ? {} : { PATH: path }),
  };
  return { set, unset: before && before !== venv ? [...unset, "VIRTUAL_ENV_PROMPT"] : unset };
}
