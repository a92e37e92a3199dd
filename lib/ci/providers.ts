import type { EnvironmentName } from "../tables/environment.ts";

/** A service that runs tests, whose log can be structured. */
export interface Provider {
  readonly name: string;
  /** The variable that is `true` there. */
  readonly variable: EnvironmentName;
}

/** All of them. */
export const PROVIDERS = [
  { name: "github", variable: "GITHUB_ACTIONS" },
  { name: "gitlab", variable: "GITLAB_CI" },
  { name: "azure", variable: "TF_BUILD" },
  { name: "buildkite", variable: "BUILDKITE" },
  { name: "circleci", variable: "CIRCLECI" },
] as const satisfies readonly Provider[];

/** The name of one. */
export type ProviderName = typeof PROVIDERS[number]["name"];

/** The values of `--ci`. */
export const CI_CHOICES = ["auto", "off", ...PROVIDERS.map(({ name }) => name)] as const;

/** Which of them runs this; null: none that is known. */
export function providerOf(
  typed: string,
  read: (name: EnvironmentName) => string | undefined,
): ProviderName | null {
  const found = typed === "auto"
    ? PROVIDERS.find(({ variable }) => read(variable)?.toLowerCase() === "true")
    : PROVIDERS.find(({ name }) => name === typed);
  return found?.name ?? null;
}
