# SPDX-License-Identifier: Apache-2.0
#
# For tests that are shell scripts; sourced by them. A test is a sentence and the command that proves it:
#
#     . tests/lib/tap.sh
#     check "a finished call is listed with its result" grep -q done "$dir/list"
#     tap_end
#
# Scripts start in the top directory; $BUILD names the build and $TMPDIR a directory of their own.

set -u
tap_failed=0

check() {
    local sentence=$1
    shift
    if tap_output=$("$@" 2>&1); then
        echo "ok - $sentence"
    else
        echo "not ok - $sentence"
        printf '%s\n' "$tap_output" | sed 's/^/#   /'
        tap_failed=1
    fi
}

tap_end() { exit $tap_failed; }
