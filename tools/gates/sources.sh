# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# sources.sh: which files the gates look at. To be sourced at the root of the repository.

# sources PATTERN...: files of the repository, one a line: those of git and new ones that are not ignored.
sources() { git ls-files --cached --others --exclude-standard --deduplicate -- "$@" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done; }
