import { join, relative } from "@std/path";
import { nullForTractestError } from "../errors.ts";
import type { Project } from "../project/project.ts";
import { testTree } from "../project/targets.ts";
import { isTestFile } from "../project/rules_targets.ts";
import { findVenvs } from "../project/venvs.ts";
import { unseenOptions } from "../run/rules_unseen_options.ts";
import type { Host } from "../system/host.ts";
import { portsIn, type RepositoryFacts } from "./rules.ts";

/** Files that configure a CI; of a directory, what is in it. */
const CI_PLACES = [
  ".github/workflows",
  ".gitlab-ci.yml",
  ".circleci/config.yml",
  ".buildkite",
  "azure-pipelines.yml",
  "bitbucket-pipelines.yml",
  "Jenkinsfile",
  ".woodpecker.yml",
] as const;

/** More files of tests are not searched for ports. */
const MOST_FILES = 500;

/** Looks at a repository. Only files are read. */
export async function repositoryFacts(host: Host, project: Project): Promise<RepositoryFacts> {
  const { root, pytest, profile } = project;
  const [tree, venvs, ciFiles] = await Promise.all([
    testTree(host, project),
    findVenvs(host, project),
    ciFilesOf(host, project.top ?? root),
  ]);
  const venv = venvs.ranked[0]?.path ?? null;
  const typed: readonly string[] = [];
  const options = unseenOptions({ configured: pytest, environment: undefined, typed });
  const workers = options.find(({ name, value }) =>
    ["-n", "--numprocesses"].includes(name) && value !== "0"
  );
  return {
    profile,
    venv: venv === null ? null : relative(root, venv),
    pytestFile: pytest?.file ?? null,
    testPaths: pytest?.testPaths ?? [],
    testFile: tree.files.find(isTestFile) ?? null,
    ports: await portsOf(host, root, tree.files.slice(0, MOST_FILES)),
    workers: workers === undefined ? null : { text: workers.text, source: workers.source },
    ciFiles,
  };
}

async function ciFilesOf(host: Host, top: string): Promise<string[]> {
  const found = await Promise.all(CI_PLACES.map(async (place) => {
    const status = await host.files.stat(join(top, place)).catch(nullForTractestError);
    return status === null ? [] : [place];
  }));
  return found.flat();
}

/** The ports that files name, each with the place of its first mention. */
async function portsOf(
  host: Host,
  root: string,
  files: readonly string[],
): Promise<RepositoryFacts["ports"]> {
  const found = new Map<number, string>();
  for (const file of files) {
    const text = await host.files.readText(join(root, file)).catch(nullForTractestError) ?? "";
    for (const { port, line } of portsIn(text)) {
      if (!found.has(port)) found.set(port, `${file}:${line}`);
    }
  }
  return [...found].map(([port, place]) => ({ port, place }));
}
