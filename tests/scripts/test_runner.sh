#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# scripts/test.sh counts right: nothing that went wrong in a test program may look like success.

. tests/lib/tap.sh

build=$TMPDIR/build
mkdir -p "$build"

# A test program with the given body, and the totals that running it must end with.
totals() {
    local sentence=$1 wanted=$2 body=$3
    printf '#!/bin/sh\n%s\n' "$body" >"$TMPDIR/program"
    chmod +x "$TMPDIR/program"
    check "runner: $sentence" ends_with "$wanted" "$TMPDIR/program"
}

ends_with() {
    local wanted=$1 said status
    shift
    said=$(BUILD=$build TIMEOUT=${limit-30} scripts/test.sh "$@" 2>&1)
    status=$?
    printf '%s\n' "$said"
    [ "$(printf '%s\n' "$said" | tail -n 1)" = "$wanted" ] || return 1
    # Success is exactly "0 failed".
    case $wanted in
        *" 0 failed"*) [ $status -eq 0 ] ;;
        *) [ $status -ne 0 ] ;;
    esac
}

skip_is_error() {
    local said
    said=$(NO_SKIPS=1 BUILD=$build scripts/test.sh "$TMPDIR/program") && return 1
    [ "$(printf '%s\n' "$said" | tail -n 1)" = "1 passed, 0 failed, 1 skipped" ]
}

totals "tests that pass are counted" "2 passed, 0 failed" 'echo "ok - one"; echo "ok 2 - two"'
totals "a test that fails is counted" "1 passed, 1 failed" 'echo "ok - one"; echo "not ok - two"; exit 1'
totals "a failure counts whatever the exit status says" "0 passed, 1 failed" 'echo "not ok - one"'
totals "a program that reports nothing has failed" "0 passed, 1 failed" 'echo hello'
totals "an exit status that no test explains is a failure" "1 passed, 1 failed" 'echo "ok - one"; exit 3'
totals "a crash is a failure" "1 passed, 1 failed" 'echo "ok - one"; kill -SEGV $$'
totals "an end before the last announced test is a failure" "1 passed, 1 failed" 'echo 1..2; echo "ok 1 - one"'
totals "a skip that names what is missing is told apart" "1 passed, 0 failed, 1 skipped" \
    'echo "ok - one"; echo "ok - two # SKIP a database"'
check "runner: a skip is an error where nothing may be skipped" skip_is_error
totals "a skip that names nothing is a failure" "1 passed, 1 failed" 'echo "ok - one"; echo "ok - two # SKIP"'
limit=1 totals "a program that does not end is ended and has failed" "1 passed, 1 failed" 'echo "ok - one"; exec tail -f /dev/null'
check "runner: a program that is not there has failed" ends_with "0 passed, 1 failed" "$TMPDIR/nothing"
check "runner: no program at all is a failure" ends_with "0 passed, 1 failed"

printf '#!/bin/sh\necho "ok - one"\n' >"$TMPDIR/program"
printf '#!/bin/sh\necho "not ok - two"\n' >"$TMPDIR/other"
chmod +x "$TMPDIR/other"
check "runner: programs are summed up" ends_with "1 passed, 1 failed" "$TMPDIR/program" "$TMPDIR/other"

# What the harness prints is what the runner reads.
harness() {
    local sentence=$1 wanted=$2
    printf '#include "harness.h"\n%s\nRUN_TESTS()\n' "$3" >"$TMPDIR/h.c"
    check "harness: $sentence" compiles_and_ends_with "$wanted"
}

compiles_and_ends_with() {
    ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Itests/lib "$TMPDIR/h.c" -o "$TMPDIR/h" -lcmocka && ends_with "$1" "$TMPDIR/h"
}

harness "every test that is defined is run" "2 passed, 0 failed" \
    'TEST(a, is_true) { assert_true(1); } TEST(b, is_true) { assert_true(1); }'
harness "an assertion that does not hold is a failure" "1 passed, 1 failed" \
    'TEST(a, is_true) { assert_true(1); } TEST(b, is_false) { assert_true(0); }'
harness "a test that aborts is a failure" "1 passed, 1 failed" \
    'TEST(a, is_true) { assert_true(1); } TEST(b, aborts) { abort(); } TEST(c, is_not_reached) { }'
harness "a skip names what is missing" "1 passed, 0 failed, 1 skipped" \
    'TEST(a, is_true) { assert_true(1); } TEST(b, is_skipped) { test_skip("a database"); }'
harness "cmocka's own skip, which names nothing, is a failure" "1 passed, 1 failed" \
    'TEST(a, is_true) { assert_true(1); } TEST(b, is_skipped) { skip(); }'

tap_end
