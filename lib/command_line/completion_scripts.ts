import { type CommandRow, COMMANDS } from "./verbs.ts";
import { DEFAULT_TARGETS } from "../tables/defaults.ts";
import { type OptionRow, OPTIONS } from "./options.ts";
import { PERMISSIONS } from "../tables/permissions.ts";
import { docOf, metavarOf, takesMany, takesNextWord } from "./option_values.ts";
import { shownOptionsOf } from "./parse.ts";

/** The shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of {@linkcode SHELLS}. */
export type Shell = typeof SHELLS[number];

/** The completion script of a shell, made from the tables. */
export function completionScript(shell: Shell): string {
  return { bash, zsh, fish }[shell]();
}

const ROWS: readonly CommandRow[] = COMMANDS;
const NAMES = ROWS.map((row) => row.name);

/** What may stand where an option's value or an operand stands. */
type Values = { readonly words: readonly string[]; readonly paths: "files" | "directories" | null };

function valuesOf(option: OptionRow): Values {
  if (option.choices) return { words: option.choices, paths: null };
  if (option.metavar === "ROW") return { words: PERMISSIONS.map((row) => row.row), paths: null };
  const isFile = option.kind === "file" || option.kind === "path";
  return {
    words: [],
    paths: option.kind === "directory" ? "directories" : isFile ? "files" : null,
  };
}

/**
 * Operands of a command: test targets for `run`, else the words that its usage offers
 * (`bash|zsh|fish`).
 */
function operandsOf(row: CommandRow): Values {
  if (row.name === "run" || row.name === "stress") {
    return { words: Object.keys(DEFAULT_TARGETS), paths: "files" };
  }
  if (row.name === "bisect") return { words: [], paths: "files" };
  if (row.name === "help") return { words: NAMES, paths: null };
  const offered = row.usage.split(" ").find((word) => /^\w+(\|\w+)+$/.test(word));
  return { words: offered?.split("|") ?? [], paths: null };
}

function spellings(option: OptionRow): string[] {
  return [`--${option.name}`, ...(option.short ? [`-${option.short}`] : [])];
}

const GLOBAL_WORDS = ["--help", "--version", "-C"];

function bash(): string {
  const values = (OPTIONS as readonly OptionRow[]).filter((option) =>
    takesNextWord(option) && !option.hidden
  ).map((option) => {
    const commands = option.commands === "*" ? ["*"] : option.commands;
    const patterns = commands.flatMap((command) =>
      spellings(option).map((spelling) => `${command}:${spelling}`)
    );
    return { pattern: patterns.join(" | "), does: bashReply(valuesOf(option)) };
  });
  const commands = ROWS.map((row) => {
    const options = shownOptionsOf(row.name).flatMap(spellings).join(" ");
    return `    ${row.name}) options=${quote(options)}; ${bashOperands(operandsOf(row))} ;;`;
  });
  return `# bash completion of tractest
_tractest() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= options= i
  local IFS=$'\\n'
  COMPREPLY=()
  # bash takes --option=value apart
  if [[ $word == = ]]; then word=; elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --) compopt -o default 2>/dev/null; return ;;
      -C | --directory) [[ $command ]] || ((i++)) ;;
      -*) ;;
      *) [[ $command ]] || command=\${COMP_WORDS[i]} ;;
    esac
  done
  case $command:$before in
${values.map(({ pattern, does }) => `    ${pattern}) ${does}; return ;;`).join("\n")}
  esac
  case $command in
    '') ${bashReply({ words: [...NAMES, ...GLOBAL_WORDS], paths: null })}; return ;;
${commands.join("\n")}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "\${options// /$'\\n'}" -- "$word")); fi
}
complete -F _tractest tractest
`;
}

/** bash: fills COMPREPLY; one word a line, since IFS is a newline. */
function bashReply({ words, paths }: Values): string {
  const parts = [
    ...(words.length > 0 ? [`compgen -W $'${words.join("\\n")}' -- "$word"`] : []),
    ...(paths ? [`compgen ${paths === "files" ? "-f" : "-d"} -- "$word"`] : []),
  ];
  if (parts.length === 0) return ":";
  return `${paths ? "compopt -o filenames 2>/dev/null; " : ""}COMPREPLY=($(${parts.join("; ")}))`;
}

function bashOperands(values: Values): string {
  return values.words.length === 0 && !values.paths
    ? ":"
    : `[[ $word == -* ]] || { ${bashReply(values)}; }`;
}

function zsh(): string {
  const commands = ROWS.map((row) => `    ${quote(`${row.name}:${row.summary}`)}`);
  const cases = ROWS.map((row) => {
    const options = shownOptionsOf(row.name).map((option) => `        ${zshOption(option)}`);
    const operands = zshValues(operandsOf(row));
    const rest = operands === ""
      ? []
      : [`        ${quote(`*:${row.name === "run" ? "target" : "argument"}:${operands}`)}`];
    return `      ${row.name})\n        _arguments -s -S \\\n${
      [...options, ...rest].join(" \\\n")
    }\n        ;;`;
  });
  return `#compdef tractest
# zsh completion of tractest
_tractest() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=(
${commands.join("\n")}
  )
  _arguments -C '(-h --help)'{-h,--help}'[show help]' '(-V --version)'{-V,--version}'[show the version]' '-C[work as if started in DIR]:directory:_files -/' \\
    '1:command:->command' '*::argument:->rest' && return
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $words[1] in
${cases.join("\n")}
      esac ;;
  esac
}
# Autoloaded by its name it is the function itself; sourced, it registers one.
if [[ $funcstack[1] == _tractest ]]; then _tractest "$@"; else compdef _tractest tractest; fi
`;
}

function zshOption(option: OptionRow): string {
  const help = docOf(option).replace(/[[\]\\:]/g, "\\$&");
  const repeat = takesMany(option) ? "*" : "";
  const name = metavarOf(option).replace(/[:\\']/g, "").toLowerCase();
  const value = option.kind === "flag"
    ? ""
    : `:${option.bare !== undefined ? ":" : ""}${name}:${zshValues(valuesOf(option))}`;
  const long = `${repeat}--${option.name}${
    option.kind === "flag" ? "" : option.bare !== undefined ? "=-" : "="
  }`;
  const specs = [quote(`${long}[${help}]${value}`)];
  if (option.short) {
    specs.push(
      quote(`${repeat}-${option.short}${option.kind === "flag" ? "" : "+"}[${help}]${value}`),
    );
  }
  return specs.join(" ");
}

function zshValues({ words, paths }: Values): string {
  const list = words.length > 0
    ? `(${words.map((word) => word.replace(/[ ()\\:]/g, "\\$&")).join(" ")})`
    : "";
  const files = paths === "directories" ? "_files -/" : paths === "files" ? "_files" : "";
  // A space in front: the words as they are, without the options that _arguments would add.
  return list !== "" && files !== ""
    ? ` _alternative "words\\:word\\:${list}" "files\\:file\\:${files}"`
    : list + files;
}

function fish(): string {
  const lines = [
    "# fish completion of tractest",
    "complete -c tractest -f",
    "complete -c tractest -n __fish_use_subcommand -l version -s V -d 'show the version'",
  ];
  for (const row of ROWS) {
    lines.push(
      `complete -c tractest -n __fish_use_subcommand -a ${row.name} -d ${fishQuote(row.summary)}`,
    );
    const condition = `-n '__fish_seen_subcommand_from ${row.name}'`;
    for (const option of shownOptionsOf(row.name)) {
      const short = option.short ? ` -s ${option.short}` : "";
      lines.push(
        `complete -c tractest ${condition} -l ${option.name}${short}${
          takesNextWord(option) ? fishValues(valuesOf(option), "-x", "-r") : ""
        } -d ${fishQuote(docOf(option))}`,
      );
    }
    const operands = operandsOf(row);
    if (operands.words.length > 0 || operands.paths) {
      lines.push(`complete -c tractest ${condition}${fishValues(operands, "-f", "-F")}`);
    }
  }
  lines.push(
    "complete -c tractest -n __fish_use_subcommand -s C -l directory -x -a '(__fish_complete_directories)' -d 'work as if started in DIR'",
  );
  return `${lines.join("\n")}\n`;
}

function fishValues({ words, paths }: Values, without: string, withFiles: string): string {
  const list = words.map((word) => word.replaceAll(" ", "\\ ")).join(" ");
  const directories = paths === "directories" ? "(__fish_complete_directories)" : "";
  const offered = `${list}${directories}`;
  return ` ${paths === "files" ? withFiles : without}${
    offered === "" ? "" : ` -a ${fishQuote(offered)}`
  }`;
}

/** A word in single quotes for bash and zsh. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
