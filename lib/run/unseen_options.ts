import { isAbsolute, join, resolve } from "@std/path";
import { readGivenFile } from "../project/project_files.ts";
import {
  givenFile,
  type OwnPlaces,
  type UnseenOption,
  unseenOptions,
} from "./rules_unseen_options.ts";
import type { Host } from "../system/host.ts";
import type { Project } from "../project/project.ts";
import { JunitFile } from "./junit_file.ts";

/** Reads the options that pytest gets from a project's configuration and the environment. */
export async function unseenIn(
  host: Host,
  { pytest, root }: Project,
  typed: readonly string[],
): Promise<UnseenOption[]> {
  const given = givenFile(typed);
  const text = given === null ? null : await host.files.readText(resolve(root, given));
  const configured = given === null ? pytest : text === null ? null : readGivenFile(given, text);
  return unseenOptions({ configured, environment: host.env("PYTEST_ADDOPTS"), typed });
}

/**
 * The JUnit report that pytest's options ask for, to be written for several pytests together; null
 * if none is asked for.
 *
 * @throws {UsageError} if none can be written there, or if something else would be overwritten
 */
export async function unseenJunit(
  host: Host,
  { root }: Project,
  { junit }: OwnPlaces,
): Promise<JunitFile | null> {
  if (junit === null) return null;
  const home = host.env("HOME") ?? "";
  const path = resolve(
    root,
    junit.path.startsWith("~/") && isAbsolute(home) ? join(home, junit.path.slice(2)) : junit.path,
  );
  const directory = resolve(path, "..");
  // As pytest does.
  if (await host.files.stat(directory) === null) await host.files.makeDirectory(directory);
  return await JunitFile.at(host, path);
}
