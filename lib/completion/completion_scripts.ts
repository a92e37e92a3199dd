/**
 * The completion scripts. Each hands what is typed to `tractest complete` and shows its answer in
 * the way of its shell: what can be completed is decided in one place, and a new version needs no
 * new script.
 */
export const SCRIPTS = {
  bash: `# bash completion of tractest
_tractest() {
  local program=\${1/#\\~\\//$HOME/} line paths= IFS=
  COMPREPLY=()
  while read -r line; do
    if [[ -z $paths ]]; then paths=$line; else COMPREPLY+=("$line"); fi
  done < <(command "$program" complete bash "$COMP_WORDBREAKS" -- "\${COMP_LINE:0:COMP_POINT}" \\
    2>/dev/null </dev/null)
  IFS=$'\\n'
  case $paths in
    files | directories)
      local word=\${COMP_WORDS[COMP_CWORD]}
      if [[ $word == = ]]; then word=; fi
      compopt +o nospace -o filenames 2>/dev/null
      if [[ $paths == files ]]; then set -- -f; else set -- -d; fi
      while read -r line; do COMPREPLY+=("$line"); done < <(compgen "$1" -- "$word") ;;
  esac
}
complete -o nospace -F _tractest tractest
`,
  zsh: `#compdef tractest
# zsh completion of tractest
_tractest() {
  local line value paths
  local -a finished unfinished
  while IFS= read -r line; do
    if [[ -z $paths ]]; then
      paths=$line
      continue
    fi
    value=\${line%%$'\\t'*}
    line=\${\${value//\\\\/\\\\\\\\}//:/\\\\:}:\${line#*$'\\t'}
    if [[ $value == *([/=]|::) ]]; then unfinished+=("$line"); else finished+=("$line"); fi
  done < <(command "\${(Q)words[1]/#\\~\\//$HOME/}" complete zsh -- \\
    "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null </dev/null)
  local found=1
  if (( $#finished + $#unfinished )); then
    _describe -V -t arguments argument finished -- unfinished -S '' && found=0
  fi
  case $paths in
    files | directories)
      if [[ $PREFIX == --*=* ]]; then compset -P '*='; fi
      if [[ $paths == files ]]; then _files && found=0; else _files -/ && found=0; fi ;;
  esac
  return found
}
# Autoloaded by its name it is the function itself; sourced, it registers one.
if [[ $funcstack[1] == _tractest ]]; then _tractest "$@"; else compdef _tractest tractest; fi
`,
  fish: `# fish completion of tractest
function __tractest_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
  set -l lines (command $program complete fish -- $words[2..-1] "$current" 2>/dev/null </dev/null)
  set -l option (string match -r -- '^--[^=]+=' $current)
  set -l path (string replace -r -- '^--[^=]+=' '' $current)
  printf '%s\\n' $lines[2..-1]
  switch "$lines[1]"
    case files
      for file in (complete -C "'' $path")
        printf '%s%s\\n' "$option" $file
      end
    case directories
      for directory in (__fish_complete_directories $path)
        printf '%s%s\\n' "$option" $directory
      end
  end
end
complete -c tractest -f -k -a '(__tractest_complete)'
`,
  nushell: `# nushell completion of tractest
let tractest_others = $env.config.completions?.external?.completer?
$env.config.completions.external.enable = true
$env.config.completions.external.completer = {|spans|
  if ($spans.0 | path basename) != "tractest" {
    if $tractest_others == null { null } else { do $tractest_others $spans }
  } else {
    let answer = try {
      ^$spans.0 complete nushell -- ...($spans | skip 1) | complete
    } catch {
      {stdout: ""}
    }
    let found = $answer.stdout | lines | skip 1 | each {|line|
      let parts = $line | split row "\\t"
      {value: $parts.0, description: ($parts | get 1)}
    }
    if ($found | is-empty) { null } else { $found }
  }
}
`,
} as const;

/** A shell that has a script. */
export type Shell = keyof typeof SCRIPTS;

/** The shells that have a script. */
export const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];
