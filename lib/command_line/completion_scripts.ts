import { EVERY_COMMAND } from "./options.ts";
import { takesMany } from "./options.ts";
import { docOf, metavarOf, type NamedRow, shownRows, takesNextWord } from "./option_values.ts";
import type { Offers, VerbDescription } from "./verb_description.ts";

/** The shells that have a script. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of {@linkcode SHELLS}. */
export type Shell = typeof SHELLS[number];

/** The completion script of a shell, made from the verbs. */
export function completionScript(shell: Shell, verbs: readonly VerbDescription[]): string {
  return { bash, zsh, fish }[shell](verbs);
}

function valuesOf({ kind, choices, offers }: NamedRow): Offers {
  const isFile = kind === "file" || kind === "path";
  const paths = kind === "directory" ? "directories" : isFile ? "files" : null;
  return { words: choices ?? offers ?? [], paths };
}

/** Offered for the operands of a command, else the words of its usage (`bash|zsh|fish`). */
function operandsOf(
  { name, usage, operands }: VerbDescription,
  verbs: readonly VerbDescription[],
): Offers {
  if (operands) return operands;
  if (name === "help") return { words: namesOf(verbs), paths: null };
  const offered = usage.split(" ").find((word) => /^\w+(\|\w+)+$/.test(word));
  return { words: offered?.split("|") ?? [], paths: null };
}

function namesOf(verbs: readonly VerbDescription[]): string[] {
  return verbs.map(({ name }) => name);
}

function spellings(option: NamedRow): string[] {
  return [`--${option.name}`, ...(option.short ? [`-${option.short}`] : [])];
}

const GLOBAL_WORDS = ["--help", "--version", "-C"];

/** What completes the value of each option, with the patterns `COMMAND:OPTION` that it is for. */
function bashValues(verbs: readonly VerbDescription[]): Map<string, Set<string>> {
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

function bash(verbs: readonly VerbDescription[]): string {
  const values = [...bashValues(verbs)].map(([reply, patterns]) =>
    `    ${[...patterns].join(" | ")}) ${reply}; return ;;`
  );
  const commands = verbs.map((verb) => {
    const options = shownRows(verb.options).flatMap(spellings).join(" ");
    const operands = bashOperands(operandsOf(verb, verbs));
    return `    ${verb.name}) options=${quote(options)}; ${operands} ;;`;
  });
  const first = bashReply({ words: [...namesOf(verbs), ...GLOBAL_WORDS], paths: null });
  return `# bash completion of tractest
_tractest() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= options= i
  local IFS=$'\\n'
  COMPREPLY=()
  # bash takes --option=value apart
  if [[ $word == = ]]; then word=
  elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
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
  const reply = bashReply(values);
  return reply === ":" ? reply : `[[ $word == -* ]] || { ${reply}; }`;
}

function zsh(verbs: readonly VerbDescription[]): string {
  const commands = verbs.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  const cases = verbs.map((verb) => {
    const operands = zshValues(operandsOf(verb, verbs));
    const specs = [
      "_arguments -s -S",
      ...shownRows(verb.options).map(zshOption),
      ...(operands === "" ? [] : [quote(`*:argument:${operands}`)]),
    ];
    return `      ${verb.name})\n        ${specs.join(" \\\n        ")}\n        ;;`;
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
  _arguments -C '(-h --help)'{-h,--help}'[show help]' \\
    '(-V --version)'{-V,--version}'[show the version]' \\
    '-C[work as if started in DIR]:directory:_files -/' \\
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
  const isFlag = option.kind === "flag";
  const isBare = option.bare !== undefined;
  const value = isFlag ? "" : `:${isBare ? ":" : ""}${name}:${zshValues(valuesOf(option))}`;
  const long = `--${option.name}${isFlag ? "" : isBare ? "=-" : "="}`;
  const short = option.short ? [`-${option.short}${isFlag ? "" : "+"}`] : [];
  return [long, ...short].map((spelling) => quote(`${repeat}${spelling}[${help}]${value}`))
    .join(" ");
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

/** fish: completes the first word. */
const FISH_FIRST = "complete -c tractest -n __fish_use_subcommand";

function fish(verbs: readonly VerbDescription[]): string {
  const lines = [
    "# fish completion of tractest",
    "complete -c tractest -f",
    `${FISH_FIRST} -l version -s V -d 'show the version'`,
  ];
  for (const verb of verbs) {
    lines.push(`${FISH_FIRST} -a ${verb.name} -d ${fishQuote(verb.summary)}`);
    const complete = `complete -c tractest -n '__fish_seen_subcommand_from ${verb.name}'`;
    for (const option of shownRows(verb.options)) {
      const short = option.short ? ` -s ${option.short}` : "";
      const values = takesNextWord(option) ? fishValues(valuesOf(option), "-x", "-r") : "";
      const doc = fishQuote(docOf(option));
      lines.push(`${complete} -l ${option.name}${short}${values} -d ${doc}`);
    }
    const operands = operandsOf(verb, verbs);
    if (operands.words.length > 0 || operands.paths) {
      lines.push(`${complete}${fishValues(operands, "-f", "-F")}`);
    }
  }
  const directories = "-x -a '(__fish_complete_directories)' -d 'work as if started in DIR'";
  return [...lines, `${FISH_FIRST} -s C -l directory ${directories}`, ""].join("\n");
}

function fishValues({ words, paths }: Offers, without: string, withFiles: string): string {
  const list = words.map((word) => word.replaceAll(" ", "\\ ")).join(" ");
  const directories = paths === "directories" ? "(__fish_complete_directories)" : "";
  const offered = `${list}${directories}`;
  const flag = paths === "files" ? withFiles : without;
  return offered === "" ? ` ${flag}` : ` ${flag} -a ${fishQuote(offered)}`;
}

/** A word in single quotes for bash and zsh. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
