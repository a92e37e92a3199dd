#!/usr/bin/env bash
# Puts tractest on the PATH of the later steps: from a release, its checksum verified, or built from this checkout.
set -euo pipefail
bin=$RUNNER_TEMP/tractest-bin
mkdir -p "$bin"
if [ "$VERSION" = source ]; then
  root=$(cd "$GITHUB_ACTION_PATH/../../.." && pwd)
  "$root/scripts/install" "$bin"
else
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) target=x86_64-unknown-linux-gnu ;;
    Linux-aarch64) target=aarch64-unknown-linux-gnu ;;
    Darwin-x86_64) target=x86_64-apple-darwin ;;
    Darwin-arm64) target=aarch64-apple-darwin ;;
    *) echo "::error title=tractest::there is no release for $(uname -s) $(uname -m); use version: source" && exit 1 ;;
  esac
  command -v gh >/dev/null || {
    echo "::error title=tractest::a release is downloaded by gh, which this runner does not have; install it, or use version: source"
    exit 69
  }
  tag=()
  [ "$VERSION" = latest ] || tag=("$VERSION")
  from=$(mktemp -d)
  gh release download "${tag[@]}" --repo "$REPOSITORY" --dir "$from" --pattern "tractest-$target" --pattern SHA256SUMS
  cd "$from"
  grep " tractest-$target\$" SHA256SUMS >expected
  if command -v sha256sum >/dev/null; then sha256sum --check --strict expected; else shasum -a 256 --check expected; fi
  install -m 755 "tractest-$target" "$bin/tractest"
  rm -rf "$from"
fi
echo "$bin" >>"$GITHUB_PATH"
"$bin/tractest" version
