# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# steps.sh: the steps that tools/quickstart, tools/test and .ci/run share. To be sourced by bash with errexit set. It
# installs Debian packages only when some are missing, so that the scripts work without a network when all are there.

CM_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CM_SCRIPT=${0##*/}

say() { printf '== %s\n' "$*"; }

# die: one sentence that says what is wrong and what to do, then exit 1.
die() {
  printf '%s: %s\n' "$CM_SCRIPT" "$*" >&2
  exit 1
}

# minutes_since START: "m:ss" since a value of SECONDS.
minutes_since() { printf '%d:%02d' $(((SECONDS - $1) / 60)) $(((SECONDS - $1) % 60)); }

# as_root COMMAND...: runs it as it is for root, else through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "packages have to be installed, which needs root or sudo: run as root, or install them yourself: ${CM_MISSING[*]}"
  fi
}

# install_packages LIST...: installs what is missing of tools/packages/LIST.
install_packages() {
  local list package
  CM_MISSING=()
  command -v dpkg-query >/dev/null || die "this script installs Debian 12 packages, but there is no dpkg here; tools/packages says what is needed"
  for list in "$@"; do
    while read -r package; do
      [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || CM_MISSING+=("$package")
    done < <(grep -v '^#' "$CM_ROOT/tools/packages/$list")
  done
  if [ ${#CM_MISSING[@]} -eq 0 ]; then
    say "packages ($*): all installed"
    return
  fi
  say "packages ($*): installing ${CM_MISSING[*]}"
  as_root apt-get -q update || die "apt-get update failed; is there a network, and are the sources in /etc/apt right?"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${CM_MISSING[@]}" ||
    die "apt-get could not install the packages named above; libcryptomod is built on Debian 12 (bookworm)"
}

# configure PRESET [OPTION...]: cmake --preset, with ccache where it is installed.
configure() {
  local preset=$1 launcher=()
  shift
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  say "configuring build/$preset"
  (cd "$CM_ROOT" && cmake --preset "$preset" "${launcher[@]}" "$@") ||
    die "cmake could not configure build/$preset; its last lines say why"
}

# build PRESET [TARGET...]
build() {
  local preset=$1 targets=()
  shift
  [ $# -eq 0 ] || targets=(--target "$@")
  say "building build/$preset with $(nproc) jobs"
  (cd "$CM_ROOT" && cmake --build --preset "$preset" --parallel "$(nproc)" "${targets[@]}") ||
    die "build/$preset does not build; the first error above says why"
}
