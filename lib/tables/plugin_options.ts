/** An option that pytest has only with a plugin. */
export interface PluginOption {
  readonly options: readonly string[];
  /** The package that brings it. */
  readonly plugin: string;
  /** What does the same without the plugin; null: nothing here. */
  readonly instead: string | null;
}

/** Options that people type from habit, and the plugins whose documentation has them. */
export const PLUGIN_OPTIONS: readonly PluginOption[] = [
  {
    options: ["-n", "--numprocesses", "--dist"],
    plugin: "pytest-xdist",
    instead: "tractest run --jobs auto",
  },
  { options: ["--reruns"], plugin: "pytest-rerunfailures", instead: "tractest run --retries 2" },
  { options: ["--count"], plugin: "pytest-repeat", instead: "tractest stress TEST" },
  { options: ["--cov", "--cov-report", "--cov-config"], plugin: "pytest-cov", instead: null },
  { options: ["--html"], plugin: "pytest-html", instead: "tractest report" },
];
