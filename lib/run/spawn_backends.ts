import type { SharedOptions } from "../command_line/session_options.ts";
import { join } from "@std/path";
import { escapeText } from "../base/escape.ts";
import { nearest } from "../base/nearest.ts";
import { spawnBackends } from "../pytest/pytest_command.ts";
import type { Context } from "../command_line/context.ts";
import type { Host } from "../system/host.ts";
import type { Project } from "../project/project.ts";

/** Warns of a spawn backend that the checkout lacks. It is still used: branches have their own. */
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
  printer.warn(`this checkout has no spawn backend "${name}": it has ${names} (${file})`);
}

/** The spawn backends of the checkout and the file that lists them; null if none does. */
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

/** Where tractor's `_spawn.py` may be: in the checkout, else installed in the venv. */
async function spawnFiles(host: Host, project: Project, venv: string | null): Promise<string[]> {
  const places = [project.root, join(project.root, "src")];
  if (venv !== null) {
    for (const { name } of await host.files.readDirectory(join(venv, "lib")) ?? []) {
      places.push(join(venv, "lib", name, "site-packages"));
    }
  }
  const files = ["tractor/spawn/_spawn.py", "tractor/_spawn.py"];
  return places.flatMap((place) => files.map((file) => join(place, file)));
}
