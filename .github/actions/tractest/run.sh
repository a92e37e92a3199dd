#!/usr/bin/env bash
# Runs tractest with the words of the input `args`: quotes group words, nothing in them is run by a shell.
set -euo pipefail
# The dot keeps empty words at the end, which $( ) would drop.
listed=$(xargs printf '%s\n' <<<"$ARGS" && echo .) || {
  echo "::error title=tractest::the input args can't be split into words; is a quote not closed?"
  exit 64
}
words=()
while IFS= read -r word; do words+=("$word"); done <<<"${listed%$'\n'.}"
exec tractest "${words[@]}"
