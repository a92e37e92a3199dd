# shellcheck shell=sh disable=SC2034
# Sourced by the other scripts: paths, tools and the dependency graph.
# POSIX sh. A script that sources this has set `-eu` and REPO (the repository's root).

# The Deno that is installed if there is none: a version that both PyPI and npm have. Older ones lack `deno bundle --code-splitting`.
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
# A proxy may have its own certificate, which only the system's store has.
export DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-mozilla,system}" UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1
export UV_NO_PROGRESS=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

# A user without a writable home (in a container, say) gets one here, for the caches of Deno, uv, pip and npm.
if [ ! -w "${HOME:-/nonexistent}" ]; then
  HOME=$TOOLS/home
  mkdir -p "$HOME"
  export HOME
fi

# Puts what bootstrap installed in front of PATH, so that the rest just says `deno` and `uv`.
use_tools() { PATH=$TOOLS/bin:$PATH && export PATH; }

# Tools and dependencies are searched for once, even if scripts call each other.
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

# jsr | offline: the requested graph, else the one that bootstrap chose.
graph() { printf '%s' "${TRACTEST_GRAPH:-$(cat "$TOOLS/graph")}"; }

# Flags for every Deno subcommand that resolves imports, separated by spaces; no path in them has a space.
# To be used from the repository's root.
graph_flags() {
  case $(graph) in
    jsr) printf '%s' --no-lock ;;
    *) printf '%s' "--import-map=scripts/offline/import_map.json --lock=scripts/offline/deno.lock" ;;
  esac
}

# Builds unless dist/ is newer than all its sources.
ensure_built() {
  if [ -x dist/tractest ] && [ -d dist/bundle ] && [ -z "$(find main.ts lib scripts deno.json -newer dist/tractest -type f | head -n 1)" ]; then return; fi
  scripts/build
}
