#!/usr/bin/env bash
# Runs tractest with the words of the input `args`: quotes group words, nothing in them is run by a shell.
set -euo pipefail
words=()
while IFS= read -r word; do words+=("$word"); done < <(xargs printf '%s\n' <<<"$ARGS")
exec tractest "${words[@]}"
