# shellcheck shell=sh disable=SC2034
# Shared by the scripts beside it, which source it: where things are, which tools, which dependency graph.
# POSIX sh. A script that sources this has set `-eu` and REPO (the repository's root).

# The Deno that is installed when there is none: one that PyPI and npm both have. An older one on PATH lacks `deno bundle --code-splitting`.
DENO_VERSION=2.9.6
DENO_OLDEST=2.9

TOOLS=$REPO/.tools

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $1"
  if [ $# -gt 1 ]; then say "hint: $2"; fi
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# No update checks, no questions: these scripts also run in CI and hooks.
export DENO_NO_UPDATE_CHECK=1 DENO_NO_PROMPT=1
# Behind a proxy with a certificate of its own, only the system's store knows it.
export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-mozilla,system}" UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
export UV_NO_PROGRESS=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

# A user without a home they can write (nobody, a container) gets one here, for the caches of Deno, uv, pip and npm.
if [ ! -w "${HOME:-/nonexistent}" ]; then
  HOME=$TOOLS/home
  mkdir -p "$HOME"
  export HOME
fi

# Puts what bootstrap installed in front of PATH, so that the rest just says `deno` and `uv`.
use_tools() { PATH=$TOOLS/bin:$PATH && export PATH; }

# Tools and dependencies, looked for once however many scripts call each other.
ensure_tools() {
  if [ "${TRACTEST_BOOTSTRAPPED:-}" != "$REPO" ]; then "$REPO/scripts/bootstrap"; fi
  export TRACTEST_BOOTSTRAPPED="$REPO"
  use_tools
}

# Whether a `deno` answers and is new enough.
deno_fits() {
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#deno }
  version=${version%% *}
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%.*}
  case $major$minor in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -gt "${DENO_OLDEST%.*}" ] || { [ "$major" -eq "${DENO_OLDEST%.*}" ] && [ "$minor" -ge "${DENO_OLDEST#*.}" ]; }
}

# jsr | offline: what was asked for, else what bootstrap chose.
graph() { printf '%s' "${TRACTEST_GRAPH:-$(cat "$TOOLS/graph")}"; }

# Flags that every Deno subcommand which resolves imports takes, as words; no path in them has a space.
# To be used from the repository's root.
graph_flags() {
  case $(graph) in
    jsr) printf '%s' --no-lock ;;
    *) printf '%s' "--import-map=scripts/offline/import_map.json --lock=scripts/offline/deno.lock" ;;
  esac
}

# Builds unless dist/ is newer than everything it is made from.
ensure_built() {
  if [ -x dist/tractest ] && [ -d dist/bundle ] && [ -z "$(find main.ts lib scripts deno.json -newer dist/tractest -type f | head -n 1)" ]; then return; fi
  scripts/build
}
