#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# docs/LIMITS.md: every limit is in it, and every test that it names is there.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

list=docs/LIMITS.md

every_limit_is_listed() {
    local missing
    missing=$(grep -oE '^#define LIMIT_[A-Z_]+' src/base/limits.h | cut -d' ' -f2 |
              while read -r limit; do grep -q "^| \`$limit\` | \`" $list || echo "$limit"; done)
    [ -z "$missing" ] || { echo "# not in $list: $missing"; return 1; }
}

every_row_is_a_limit() {
    local limit
    for limit in $(grep -oE '^\| `LIMIT_[A-Z_]+`' $list | tr -d '|` '); do
        grep -q "^#define $limit " src/base/limits.h || { echo "# no longer there: $limit"; return 1; }
    done
}

every_test_is_there() {
    local test file sentence status=0
    for test in $(grep '^| ' $list | grep -oE '`[a-z0-9]+/[^`]+`' | tr -d '`'); do
        file=tests/${test%%:*}
        sentence=${test#*:}
        if [ "$sentence" = "$test" ]; then
            [ -f "$file" ] || { echo "# there is no $file"; status=1; }
        else
            grep -q "[ (]$sentence[,)]" "$file" || { echo "# $file has no $sentence"; status=1; }
        fi
    done
    return $status
}

check "every limit has a row in the list" every_limit_is_listed
check "every row is a limit that there is" every_row_is_a_limit
check "every test that the list names is there" every_test_is_there

tap_end
