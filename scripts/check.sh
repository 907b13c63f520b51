#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The rules that a machine can prove: who may include whom, and the mechanical half of the style.
# Prints "ok - rule" for each rule that holds and "not ok - file:line: what is wrong" for each
# breach, which scripts/test.sh counts like any other tests. The rules stand in check.awk.
#
# An exception goes into check.allow with its reason; one that is no longer needed is a breach too.
#
#   scripts/check.sh [tree]      this tree, unless another is named
set -uo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}" || exit 1

find . \( -path './build*' -o -path ./.git -o -name node_modules -o -name corpus \) -prune -o -type f \
    \( -name '*.[ch]' -o -name '*.sh' -o -name '*.awk' -o -name '*.md' -o -name Makefile -o -path ./.ci/run \) \
    -printf '%P\n' | sort | xargs awk -f "$here/check.awk"
