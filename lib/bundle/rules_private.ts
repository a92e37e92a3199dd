import { isSecretName } from "./rules_secrets.ts";

/** What identifies the person and the machine, and values that nothing may show. */
export interface PrivateFacts {
  /** The user's names: login, the name that a person has. */
  readonly users: readonly string[];
  /** Other accounts of people. */
  readonly others: readonly string[];
  /** Names of this machine and its network. */
  readonly hosts: readonly string[];
  readonly homes: readonly string[];
  /** Variables whose values must appear nowhere, with the value. */
  readonly variables: readonly (readonly [name: string, value: string])[];
}

/** Names of accounts and machines that say nothing of a person. */
const GENERIC: ReadonlySet<string> = new Set(
  ("root admin administrator user users guest test tester tests testing dev developer devel ci " +
    "runner runneradmin build builder buildkite-agent circleci jenkins gitlab-runner github " +
    "vagrant ubuntu debian fedora centos ec2-user azureuser codespace vscode docker container " +
    "host localhost localhost.localdomain local lan home nobody nogroup daemon bin sys sync " +
    "games man lp mail news uucp proxy www-data backup list irc gnats systemd messagebus sshd " +
    "postgres mysql redis nginx python python3 pytest tractor tractest app apps service server " +
    "worker work workspace src code data opt tmp var usr etc shared public linuxbrew homebrew " +
    "me a i").split(" "),
);

/** Whether a name identifies nobody, so that it stays readable. */
export function isGeneric(name: string): boolean {
  return name.trim() === "" || GENERIC.has(name.toLowerCase());
}

/**
 * Variables whose values a bundle shows. Of all others only the names are shown, and a value of
 * theirs that appears elsewhere is replaced.
 */
export const SHOWN_VARIABLES: ReadonlySet<string> = new Set(
  ("HOME PATH SHELL TERM COLORTERM LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES TZ PWD OLDPWD SHLVL " +
    "TMPDIR TEMP TMP NO_COLOR FORCE_COLOR COLUMNS LINES CI XDG_STATE_HOME XDG_CACHE_HOME " +
    "XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV " +
    "PYENV_VERSION UV_PROJECT_ENVIRONMENT UV_PYTHON UV_CACHE_DIR UV_LINK_MODE UV_NO_SYNC " +
    "UV_FROZEN UV_OFFLINE PIP_REQUIRE_VIRTUALENV PYTEST_ADDOPTS PYTEST_PLUGINS " +
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD PYTEST_DEBUG PYTEST_THEME PYTEST_XDIST_WORKER " +
    "PYTEST_XDIST_AUTO_NUM_WORKERS PYTEST_DEBUG_TEMPROOT PYTEST_CURRENT_TEST " +
    "PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONOPTIMIZE PYTHONDEBUG PYTHONINSPECT " +
    "PYTHONUNBUFFERED PYTHONVERBOSE PYTHONCASEOK PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX " +
    "PYTHONHASHSEED PYTHONINTMAXSTRDIGITS PYTHONIOENCODING PYTHONNOUSERSITE PYTHONUSERBASE " +
    "PYTHONWARNINGS PYTHONFAULTHANDLER PYTHONTRACEMALLOC PYTHONASYNCIODEBUG PYTHONMALLOC " +
    "PYTHONCOERCECLOCALE PYTHONDEVMODE PYTHONUTF8 PYTHONWARNDEFAULTENCODING PYTHONSAFEPATH " +
    "PYTHONBREAKPOINT PYTHON_GIL PYTHON_CPU_COUNT LD_PRELOAD LD_LIBRARY_PATH DYLD_LIBRARY_PATH " +
    "TRACTEST_RUN TRACTEST_PROFILE TRACTEST_UI GITHUB_ACTIONS GITHUB_STEP_SUMMARY " +
    "GITHUB_WORKSPACE GITLAB_CI TF_BUILD BUILDKITE CIRCLECI CI_NODE_INDEX CI_NODE_TOTAL " +
    "CIRCLE_NODE_INDEX CIRCLE_NODE_TOTAL BUILDKITE_PARALLEL_JOB BUILDKITE_PARALLEL_JOB_COUNT " +
    "SYSTEM_JOBPOSITIONINPHASE SYSTEM_TOTALJOBSINPHASE JOB_COMPLETION_INDEX SLURM_ARRAY_TASK_ID " +
    "SLURM_ARRAY_TASK_MIN SLURM_ARRAY_TASK_MAX SLURM_ARRAY_TASK_COUNT SLURM_ARRAY_TASK_STEP")
    .split(" "),
);

/** A secret value shorter than this can't be told from other words. */
const LEAST_SECRET = 4;
/** The same for a value of a variable whose name does not say that it is secret. */
const LEAST_VALUE = 8;
const PLAIN_WORD = /^(?:true|false|none|null|yes|no|on|off|test|tests|auto|local|debug|default)$/i;

/** The values that must appear nowhere, of one environment. */
export function hiddenVariables(
  environment: Iterable<readonly [name: string, value: string]>,
): [name: string, value: string][] {
  return [...environment].filter(([name]) => !SHOWN_VARIABLES.has(name)).flatMap(
    ([name, value]): [string, string][] => [
      ...(isHidden(name, value.trim()) ? [[name, value.trim()] as [string, string]] : []),
      ...passwordsIn(value).map((password): [string, string] => [name, password]),
    ],
  );
}

function isHidden(name: string, value: string): boolean {
  const isPath = /^[~.]{0,2}\/[^\s=&?]*$/.test(value);
  if (isSecretName(name)) {
    const namesFile = isPath &&
      /SOCK|SOCKET|FILE|PATH|DIR|HOME|CREDENTIALS|ASKPASS|STORE/i.test(name);
    return value.length >= LEAST_SECRET && !PLAIN_WORD.test(value) && !namesFile;
  }
  if (value.length < LEAST_VALUE || isPath) return false;
  if (/^\d+(?:\.\d+){3}$/.test(value)) return !/^(?:127|0)\./.test(value);
  // Words of the language, numbers and versions stand in many texts by themselves.
  return !/^[A-Za-z]{1,15}$/.test(value) && !/^[\d.,:;\/-]+$/.test(value);
}

/** Passwords in URLs: programs also get them as words of their own. */
function passwordsIn(value: string): string[] {
  return [...value.matchAll(/[a-z][a-z0-9+.-]*:\/\/[^\s\/:@]*:([^\s\/@]+)@/gi)].flatMap(
    ([, password]) => [password!, decoded(password!)],
  ).filter((password) => password.length >= LEAST_SECRET);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** An account of `/etc/passwd`. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly fullName: string;
  readonly home: string;
}

/** Parses `/etc/passwd`. */
export function readAccounts(text: string): Account[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , uid = "", , gecos = "", home = ""] = line.split(":");
    if (name === "" || !/^\d+$/.test(uid)) return [];
    return [{ name, uid: Number(uid), fullName: gecos.split(",")[0]!.trim(), home }];
  });
}

/** Uids of people's accounts on common systems. */
const FIRST_PERSON = 1000;
const LAST_PERSON = 60_000;

/** What the system says of its users and itself. */
export interface SystemFacts {
  readonly uid: number | null;
  readonly accounts: readonly Account[];
  readonly environment: ReadonlyMap<string, string>;
  /** HOME without symbolic links; null where it is not there. */
  readonly realHome: string | null;
  /** `uname -n`, `/etc/hostname`. */
  readonly hostNames: readonly string[];
  /** The text of `/etc/hosts`. */
  readonly hosts: string;
  /** The text of `/etc/resolv.conf`. */
  readonly resolver: string;
  /** The variables of this program, of processes of the tree, and of `.env`. */
  readonly variables: Iterable<readonly [name: string, value: string]>;
}

/** Variables that name the user. */
const OWN_NAMES = [
  ...["USER", "LOGNAME", "USERNAME", "SUDO_USER"],
  ...["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "DEBFULLNAME"],
];

/** Decides what is private, from what the system says. */
export function privateFacts(system: SystemFacts): PrivateFacts {
  const { uid, accounts, environment } = system;
  const own = accounts.filter((account) => account.uid === uid);
  const given = OWN_NAMES.map((name) => environment.get(name) ?? "");
  const home = environment.get("HOME") ?? "";
  const logins = [...own.map(({ name }) => name), ...given, loginOf(home)];
  const isOwn = ({ name }: Account) => logins.includes(name);
  const people = accounts.filter((account) =>
    account.uid >= FIRST_PERSON && account.uid <= LAST_PERSON && !isOwn(account)
  );
  const namesOf = (of: readonly Account[]) =>
    of.flatMap(({ name, fullName }) => [name, ...(isFullName(fullName) ? [fullName] : [])]);
  const homes = [
    home,
    system.realHome ?? "",
    ...accounts.filter(isOwn).map((account) => account.home),
  ];
  return {
    users: kept([...logins, ...namesOf(accounts.filter(isOwn))]),
    others: kept(namesOf(people)),
    hosts: kept(hostNames(system)),
    homes: kept(homes.map((path) => path.replace(/\/+$/, ""))).filter((path) =>
      path.startsWith("/") && !/^\/(?:nonexistent|tmp|var|dev|usr|bin|sbin)$/.test(path)
    ),
    variables: hiddenVariables(system.variables),
  };
}

/** The name in `/home/alice`. */
function loginOf(home: string): string {
  return /\/(?:home|Users)\/(?:[^\/]+\/)?([^\/]+)\/?$/.exec(home)?.[1] ?? "";
}

function isFullName(text: string): boolean {
  return text.length >= 5 && /\s/.test(text);
}

function hostNames({ environment, hostNames, hosts, resolver }: SystemFacts): string[] {
  const own = [...hostNames, environment.get("HOSTNAME") ?? "", environment.get("HOST") ?? ""]
    .map((name) => name.trim()).filter((name) => !isGeneric(name));
  const shortOf = (name: string) => name.split(".")[0]!;
  const aliases = hosts.split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/))
    .filter((words) => words.some((word) => own.includes(word) || own.includes(shortOf(word))))
    .flatMap((words) => words.slice(1));
  const all = [...own, ...aliases];
  const domains = [
    ...[...resolver.matchAll(/^\s*(?:search|domain)\s+(.*)$/gm)].flatMap(([, names]) =>
      names!.split(/\s+/)
    ),
    ...all.map((name) => name.split(".").slice(1).join(".")),
  ].filter((name) => name.includes(".") && !/^(?:[\w-]+\.)?(?:localdomain|local)$/.test(name));
  return [...all, ...all.map(shortOf), ...domains];
}

function kept(names: readonly string[]): string[] {
  return [...new Set(names.filter((name) => !isGeneric(name)))];
}
