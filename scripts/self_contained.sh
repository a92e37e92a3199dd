#!/bin/sh
# shellcheck disable=SC3044,SC3067,SC2015 # shopt only in bash; test -O: dash, bash, busybox and macOS have it; A && B || C is meant
# tractest @VERSION@, self-contained. After this script come, compressed, the Deno runtime and the program; both are unpacked
# once into a private cache directory and started from there. scripts/build fills in the values between at signs.
#
# The warm path is short: shell built-ins, one `ls`, a line of the program, exec. Every name starts with _tt_, so that no variable of the
# user's environment is overwritten. Exported are only DENO_NO_UPDATE_CHECK (without it Deno asks its download
# site for updates) and DENO_DIR (where Deno keeps compiled code for the next start: next to the program, not in the user's cache).
_tt_base=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
_tt_home=$_tt_base/tractest
_tt_program=$_tt_home/program-@PROGRAM_ID@
_tt_runtime=$_tt_home/runtime-@RUNTIME_ID@

# Settings of the user's own Deno, with which ours may not start, or prints more. The tests get them back (env.ts).
for _tt_name in DENO_V8_FLAGS DENO_LOG DENO_AUDIT_PERMISSIONS DENO_PERMISSION_BROKER_PATH; do
  eval "[ -z \"\${$_tt_name+x}\" ] || { export \"TRACTEST_$_tt_name=\$$_tt_name\"; unset $_tt_name; }"
done

# Kind, mode, owner and size of some paths, without the user's PATH and LD_* (of an activated venv or a Nix shell).
_tt_facts() {
  unset LD_LIBRARY_PATH LD_PRELOAD
  LC_ALL=C PATH=/usr/bin:/bin:/run/current-system/sw/bin:$PATH command ls -ldn "$@" 2>/dev/null
}

# The trap handles a runtime that can't be started: if exec succeeds there is no shell left to run it.
_tt_start() {
  # The runtime itself would print its own error and exit with the code of failed tests.
  if ! { [ -n "${PWD:-}" ] && [ -d "$PWD" ]; } && [ ! -d "$(pwd -P 2>/dev/null)" ]; then
    trap - EXIT
    printf 'error: %s\nhint: %s\n' "The working directory is gone: it was removed, or moved away" "cd to a directory that is there, and try again" >&2
    exit 80
  fi
  # A channel that Node.js opened for the program above: Deno would speak on it, or end where it is closed.
  unset NODE_CHANNEL_FD
  export DENO_NO_UPDATE_CHECK=1 "DENO_DIR=${DENO_DIR:-$_tt_program/deno}"
  # It reads ~/.npmrc, and ends in the same way where it can't. With another home it reads none; start.js puts back the user's.
  if [ -n "${HOME:-}" ] && { [ -e "$HOME/.npmrc" ] || [ -f "$HOME" ]; }; then
    _tt_user_home=$HOME HOME=$_tt_program
  fi
  exec "$_tt_runtime/deno" run --no-config --no-lock --no-remote --no-npm @FLAGS@ "$_tt_program/bundle/start.js" ${_tt_user_home:+"--home=$_tt_user_home"} "--self=$0" "$@"
  exit 126 # bash continues after a failed exec (see execfail below); other shells exit by themselves
}
if [ -n "${BASH_VERSION:-}" ]; then shopt -s execfail; fi
_tt_user_home=

# The runtime has its size but no content (a power cut after it was unpacked): this file starts again and unpacks it.
_tt_heal() {
  trap - EXIT
  HOME=${_tt_user_home:-${HOME-}}
  echo "tractest: the unpacked runtime cannot be started: unpacking it again" >&2
  PATH=/usr/bin:/bin:/run/current-system/sw/bin:$PATH command rm -rf "$_tt_runtime"
  case $0 in */*) exec /bin/sh "$0" "$@" ;; *) exec /bin/sh "./$0" "$@" ;; esac
}

# Later starts: everything is ours, closed to others, and has its size. The base may be /tmp-like, but not open to all without
# the sticky bit, where any user could replace our directory.
case $_tt_base in
  /*) case $(_tt_facts "$_tt_base/." "$_tt_home" "$_tt_program" "$_tt_program/bundle/main.js" "$_tt_runtime" "$_tt_runtime/deno") in
    d???????[!w]*"
drwx------"*"
drwx------"*"
-rw-------"*" @MAIN_SIZE@ "*"
drwx------"*"
-rwx------"*" @DENO_SIZE@ "* | d????????[tT]*"
drwx------"*"
drwx------"*"
-rw-------"*" @MAIN_SIZE@ "*"
drwx------"*"
-rwx------"*" @DENO_SIZE@ "*)
      if [ -O "$_tt_home" ] && [ -O "$_tt_program" ] && [ -O "$_tt_runtime" ] && [ -x "$_tt_runtime/deno" ] &&
        IFS= read -r _tt_line <"$_tt_program/bundle/start.js" && [ "$_tt_line" = "// tractest" ]; then
        trap '_tt_heal "$@"' EXIT
        _tt_start "$@"
      fi ;;
  esac ;;
esac

# From here on: the first start, or something was changed. The user's PATH is restored before the program starts.
_tt_path=$PATH
PATH=/usr/bin:/bin:/run/current-system/sw/bin:$PATH

_tt_die() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 69
}

# A subshell, for its umask, environment and clean-up; exit code 1: this directory cannot be used.
_tt_unpack() (
  home=$1
  unset LD_LIBRARY_PATH LD_PRELOAD
  umask 077
  new=$(mktemp -d "$home/.new-XXXXXX" 2>/dev/null) || exit 1
  trap 'rm -rf "$new"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if [ -t 2 ]; then echo "tractest: unpacking into $home (once)" >&2; fi

  # NAME BYTES-FROM-END SIZE SHA256: into $new/payload, checked, and an empty directory to unpack it to.
  fetch() {
    rm -rf "$new/unpacked"
    mkdir "$new/unpacked" || full
    tail -c "$2" <"$_tt_self" | head -c "$3" >"$new/payload" || full
    if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$new/payload")
    elif command -v shasum >/dev/null; then sum=$(shasum -a 256 <"$new/payload")
    else _tt_die "Cannot check the unpacked files: there is neither sha256sum nor shasum" "install coreutils"; fi
    [ "${sum%% *}" = "$4" ] || _tt_die "\"$_tt_self\" is damaged: its $1 has another checksum" "build or download it again"
  }
  full() { _tt_die "Cannot unpack into \"$home\"" "it needs 150 MB there; XDG_CACHE_HOME=DIR chooses another place"; }
  # After a power cut, a file renamed before it was on the disk may have its size but no content.
  on_disk() { find "$new/unpacked" -type f -exec sync {} + 2>/dev/null || sync; }
  # DIRECTORY: replaces what is there. If another start was faster it is not disturbed: then mv puts our directory inside theirs.
  place() {
    if [ -e "$1" ] || [ -L "$1" ]; then mv "$1" "$new/old"; fi
    mv "$new/unpacked" "$1"
    rm -rf "$1/unpacked" "$new/old"
  }
  is_placed() {
    case $(_tt_facts "$1" "$1/$2") in
      drwx------*"
-$3------"*" $4 "*) [ -O "$1" ] ;;
      *) return 1 ;;
    esac
  }

  is_program_placed() {
    is_placed "$home/program-@PROGRAM_ID@" bundle/main.js rw- @MAIN_SIZE@ &&
      IFS= read -r line <"$home/program-@PROGRAM_ID@/bundle/start.js" && [ "$line" = "// tractest" ]
  }

  if ! is_placed "$home/runtime-@RUNTIME_ID@" deno rwx @DENO_SIZE@; then
    fetch runtime @RUNTIME_FROM_END@ @RUNTIME_SIZE@ @RUNTIME_SHA256@
    { gzip -dc <"$new/payload" >"$new/unpacked/deno" && chmod 700 "$new/unpacked/deno"; } || full
    if "$new/unpacked/deno" --version >/dev/null 2>"$new/why"; then :; else
      case $?$(cat "$new/why") in
        *[Pp]"ermission denied"*) _tt_die "Cannot run programs in \"$home\": it is mounted noexec, or something else forbids it" "XDG_CACHE_HOME=DIR chooses another place" ;;
        127*) _tt_die "This system cannot start the Deno runtime inside of tractest: $(cat "$new/why")" "install Deno and use \`scripts/install --launcher\`" ;;
        *) _tt_die "Cannot start the Deno runtime inside of tractest: $(cat "$new/why")" "install Deno and use \`scripts/install --launcher\`" ;;
      esac
    fi
    on_disk
    is_placed "$home/runtime-@RUNTIME_ID@" deno rwx @DENO_SIZE@ || place "$home/runtime-@RUNTIME_ID@"
  elif [ ! -x "$home/runtime-@RUNTIME_ID@/deno" ]; then
    _tt_die "Cannot run programs in \"$home\": it is mounted noexec" "XDG_CACHE_HOME=DIR chooses another place"
  fi
  if ! is_program_placed; then
    fetch program @PROGRAM_SIZE@ @PROGRAM_SIZE@ @PROGRAM_SHA256@
    # As root, tar would bring the owner and the modes of the machine that built this.
    { gzip -dc <"$new/payload" | tar -xof - -C "$new/unpacked" && chmod -R u=rwX,go= "$new/unpacked"; } || full
    on_disk
    is_program_placed || place "$home/program-@PROGRAM_ID@"
  fi
  # Other versions not used for a month, and what a killed start left.
  find "$home" -maxdepth 1 \( -name 'runtime-*' -o -name 'program-*' -o -name 'pytest-*' -o -name 'isolation-*' \) -mtime +30 \
    ! -name 'runtime-@RUNTIME_ID@' ! -name 'program-@PROGRAM_ID@' ! -name pytest-cache -exec rm -rf {} + 2>/dev/null
  find "$home" -maxdepth 1 -name '.new-*' -mmin +60 -exec rm -rf {} + 2>/dev/null
  exit 0
)

case $0 in
  */*) _tt_self=$0 ;;
  *) _tt_self=./$0 ;; # `sh tractest`
esac

_tt_why=
case $_tt_base in
  /*)
    if (umask 077 && mkdir -p "$_tt_home") 2>/dev/null && [ -O "$_tt_home" ] && [ ! -L "$_tt_home" ] && [ -w "$_tt_home" ]; then
      case $(_tt_facts "$_tt_base/.") in
        d???????w[!tT]*) _tt_why="\"$_tt_base\" is open to everybody" ;;
        *) chmod 700 "$_tt_home" && _tt_unpack "$_tt_home" || { _tt_code=$?; [ $_tt_code = 1 ] || exit $_tt_code; _tt_why="cannot write to \"$_tt_home\""; } ;;
      esac
    else _tt_why="\"$_tt_home\" is not a writable directory of ours"; fi ;;
  *) _tt_why="HOME is not set" ;;
esac

if [ -n "$_tt_why" ]; then
  # A fresh directory for this start only. A watcher removes it, so that exec keeps signals and exit codes unchanged.
  echo "tractest: $_tt_why: unpacking for this start only; XDG_CACHE_HOME=DIR names a private directory that lasts" >&2
  _tt_home=$(mktemp -d "${TMPDIR:-/tmp}/tractest-XXXXXX") || _tt_die "Cannot make a temporary directory" "TMPDIR=DIR names another place"
  _tt_unpack "$_tt_home" || { _tt_code=$?; rm -rf "$_tt_home"; exit $_tt_code; }
  ( (
    trap '' HUP INT QUIT TERM
    while kill -0 $$; do sleep 1; done
    rm -rf "$_tt_home"
  ) </dev/null >/dev/null 2>&1 &)
  _tt_program=$_tt_home/program-@PROGRAM_ID@
  _tt_runtime=$_tt_home/runtime-@RUNTIME_ID@
fi
PATH=$_tt_path
trap '_tt_die "Cannot start \"$_tt_runtime/deno\"" "XDG_CACHE_HOME=DIR chooses another place to unpack to"' EXIT
_tt_start "$@"
exit 70 # what follows is no script
