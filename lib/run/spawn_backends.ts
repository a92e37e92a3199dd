import type { SharedOptions } from "../command_line/session_options.ts";
import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { nearest } from "../base/nearest.ts";
import { spawnBackends } from "../pytest/pytest_command.ts";
import type { Context } from "../command_line/context.ts";
import type { Host } from "../system/host.ts";
import type { Project } from "../project/project.ts";

/**
 * A backend that the checkout does not know is passed on with a warning: branches have their own.
 */
export async function checkSpawnBackend(
  { host, printer, line }: Context<SharedOptions>,
  project: Project,
  venv: string | null,
): Promise<void> {
  const wanted = line.options.spawnBackend;
  if (wanted === null) return;
  const known = await knownBackends(host, project, venv);
  if (known === null || known.names.includes(wanted)) return;
  const names = nearest(wanted, known.names).join(", ");
  const file = escapeText(known.file);
  const name = escapeText(wanted);
  printer.warn(`"${name}" is no spawn backend of this checkout: it has ${names} (${file})`);
}

/**
 * The spawn backends that the checkout has, and the file that says so; null where it does not say.
 */
export async function knownBackends(
  host: Host,
  project: Project,
  venv: string | null,
): Promise<{ names: readonly string[]; file: string } | null> {
  for (const file of await spawnFiles(host, project, venv)) {
    const text = await host.files.readText(file);
    const names = text === null ? null : spawnBackends(text);
    if (names !== null) return { names, file };
  }
  return null;
}

/** Where tractor's `_spawn.py` may be: in the checkout, else where the venv has it installed. */
async function spawnFiles(host: Host, project: Project, venv: string | null): Promise<string[]> {
  const places = [project.root, join(project.root, "src")];
  if (venv !== null) {
    for (const { name } of await host.files.readDirectory(join(venv, "lib")) ?? []) {
      places.push(join(venv, "lib", name, "site-packages"));
    }
  }
  return places.flatMap((
    place,
  ) => [join(place, "tractor/spawn/_spawn.py"), join(place, "tractor/_spawn.py")]);
}
