/** A change of the environment of a program. */
export interface EnvironmentChange {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

/** The PATH that is used if it is not set. */
const DEFAULT_PATH = "/usr/bin:/bin";

/**
 * Activates a venv, so that tests which start `python` by name get the Python that runs them.
 * `uv run` activates the venv itself.
 *
 * @param inherited the environment without it
 */
export function activation(
  { argv, venv }: { readonly argv: readonly string[]; readonly venv: string | null },
  inherited: ReadonlyMap<string, string>,
): EnvironmentChange {
  const unset = inherited.has("PYTHONHOME") ? ["PYTHONHOME"] : [];
  if (argv.length > 1) return { set: {}, unset };
  if (venv === null) return { set: {}, unset: [] };
  const before = inherited.get("VIRTUAL_ENV");
  const places = (inherited.get("PATH") ?? DEFAULT_PATH).split(":");
  const own = `${venv}/bin`;
  // Activating one venv deactivates another.
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
