import { EVERY_COMMAND } from "./options.ts";
import { takesMany } from "./options.ts";
import { docOf, metavarOf, type NamedRow, shownRows, takesNextWord } from "./option_values.ts";
import type { AnyVerb, Offers } from "./verb.ts";

/** The shells that there is a script for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of {@linkcode SHELLS}. */
export type Shell = typeof SHELLS[number];

/** The completion script of a shell, made from the verbs. */
export function completionScript(shell: Shell, verbs: readonly AnyVerb[]): string {
  return { bash, zsh, fish }[shell](verbs);
}

function valuesOf({ kind, choices, offers }: NamedRow): Offers {
  const isFile = kind === "file" || kind === "path";
  const paths = kind === "directory" ? "directories" : isFile ? "files" : null;
  return { words: choices ?? offers ?? [], paths };
}

/** The operands of a command: those that it says, else the words of its usage (`bash|zsh|fish`). */
function operandsOf({ name, usage, operands }: AnyVerb, verbs: readonly AnyVerb[]): Offers {
  if (operands) return operands;
  if (name === "help") return { words: namesOf(verbs), paths: null };
  const offered = usage.split(" ").find((word) => /^\w+(\|\w+)+$/.test(word));
  return { words: offered?.split("|") ?? [], paths: null };
}

function namesOf(verbs: readonly AnyVerb[]): string[] {
  return verbs.map(({ name }) => name);
}

function spellings(option: NamedRow): string[] {
  return [`--${option.name}`, ...(option.short ? [`-${option.short}`] : [])];
}

const GLOBAL_WORDS = ["--help", "--version", "-C"];

/** What completes the value of each option, with the patterns `COMMAND:OPTION` that it is for. */
function bashValues(verbs: readonly AnyVerb[]): Map<string, Set<string>> {
  const replies = new Map<string, Set<string>>();
  for (const verb of verbs) {
    for (const row of shownRows(verb.options).filter(takesNextWord)) {
      const reply = bashReply(valuesOf(row));
      const command = Object.hasOwn(EVERY_COMMAND, row.name) ? "*" : verb.name;
      const patterns = replies.getOrInsertComputed(reply, () => new Set());
      for (const spelling of spellings(row)) patterns.add(`${command}:${spelling}`);
    }
  }
  return replies;
}

function bash(verbs: readonly AnyVerb[]): string {
  const values = [...bashValues(verbs)].map(([reply, patterns]) =>
    `    ${[...patterns].join(" | ")}) ${reply}; return ;;`
  );
  const commands = verbs.map((verb) => {
    const options = shownRows(verb.options).flatMap(spellings).join(" ");
    return `    ${verb.name}) options=${quote(options)}; ${
      bashOperands(operandsOf(verb, verbs))
    } ;;`;
  });
  const first = bashReply({ words: [...namesOf(verbs), ...GLOBAL_WORDS], paths: null });
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
${values.join("\n")}
  esac
  case $command in
    '') ${first}; return ;;
${commands.join("\n")}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "\${options// /$'\\n'}" -- "$word")); fi
}
complete -F _tractest tractest
`;
}

/** bash: fills COMPREPLY; one word a line, since IFS is a newline. */
function bashReply({ words, paths }: Offers): string {
  const parts = [
    ...(words.length > 0 ? [`compgen -W $'${words.join("\\n")}' -- "$word"`] : []),
    ...(paths ? [`compgen ${paths === "files" ? "-f" : "-d"} -- "$word"`] : []),
  ];
  if (parts.length === 0) return ":";
  return `${paths ? "compopt -o filenames 2>/dev/null; " : ""}COMPREPLY=($(${parts.join("; ")}))`;
}

function bashOperands(values: Offers): string {
  return values.words.length === 0 && !values.paths
    ? ":"
    : `[[ $word == -* ]] || { ${bashReply(values)}; }`;
}

function zsh(verbs: readonly AnyVerb[]): string {
  const commands = verbs.map((row) => `    ${quote(`${row.name}:${row.summary}`)}`);
  const cases = verbs.map((row) => {
    const options = shownRows(row.options).map((option) => `        ${zshOption(option)}`);
    const operands = zshValues(operandsOf(row, verbs));
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

function zshOption(option: NamedRow): string {
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

function zshValues({ words, paths }: Offers): string {
  const list = words.length > 0
    ? `(${words.map((word) => word.replace(/[ ()\\:]/g, "\\$&")).join(" ")})`
    : "";
  const files = paths === "directories" ? "_files -/" : paths === "files" ? "_files" : "";
  // A space in front: the words as they are, without the options that _arguments would add.
  return list !== "" && files !== ""
    ? ` _alternative "words\\:word\\:${list}" "files\\:file\\:${files}"`
    : list + files;
}

function fish(verbs: readonly AnyVerb[]): string {
  const lines = [
    "# fish completion of tractest",
    "complete -c tractest -f",
    "complete -c tractest -n __fish_use_subcommand -l version -s V -d 'show the version'",
  ];
  for (const row of verbs) {
    lines.push(
      `complete -c tractest -n __fish_use_subcommand -a ${row.name} -d ${fishQuote(row.summary)}`,
    );
    const condition = `-n '__fish_seen_subcommand_from ${row.name}'`;
    for (const option of shownRows(row.options)) {
      const short = option.short ? ` -s ${option.short}` : "";
      lines.push(
        `complete -c tractest ${condition} -l ${option.name}${short}${
          takesNextWord(option) ? fishValues(valuesOf(option), "-x", "-r") : ""
        } -d ${fishQuote(docOf(option))}`,
      );
    }
    const operands = operandsOf(row, verbs);
    if (operands.words.length > 0 || operands.paths) {
      lines.push(`complete -c tractest ${condition}${fishValues(operands, "-f", "-F")}`);
    }
  }
  lines.push(
    "complete -c tractest -n __fish_use_subcommand -s C -l directory -x -a '(__fish_complete_directories)' -d 'work as if started in DIR'",
  );
  return `${lines.join("\n")}\n`;
}

function fishValues({ words, paths }: Offers, without: string, withFiles: string): string {
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
