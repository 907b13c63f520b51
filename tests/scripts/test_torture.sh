#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# scripts/torture.sh goes on until it is told to stop, and tells what repeats what broke.

. tests/lib/tap.sh

build=$TMPDIR/build
mkdir -p "$build/tests/sim" "$build/tests/crash"

# Programs in the place of the tests: $1 what the simulation does, $2 what the kills do.
fake() {
    printf '#!/bin/sh\n%s\n' "$1" >"$build/tests/sim/test_sim_calls"
    printf '#!/bin/sh\n%s\n' "$2" >"$build/tests/crash/test_crash_random"
    chmod +x "$build"/tests/*/*
}

torture() { BUILD=$build JOBS=2 scripts/torture.sh "$@"; }

ends_well() {
    local said
    said=$(torture "$@") || return 1
    echo "$said"
    echo "$said" | grep -Eq '^torture: [1-9][0-9]* worlds and [0-9]+ kills in [0-9]+ s, all well$'
}

breaks_with() {
    local wanted=$1 said
    shift
    said=$(torture "$@") && return 1
    echo "$said"
    echo "$said" | grep -Fq -- "$wanted" && echo "$said" | tail -n 1 | grep -q broken
}

fake 'exit 0' 'exit 0'
check "torture: it ends after so many worlds" ends_well --runs 3000
check "torture: it ends after so many seconds" ends_well --seconds 1

fake 'echo "ERROR: SEED=77, step 5: a thing is lost"; exit 1' 'exit 0'
check "torture: a broken world is shown with its seed" \
    breaks_with "SEED=77 $build/tests/sim/test_sim_calls" --runs 100000
check "torture: and with what was said" breaks_with "a thing is lost" --runs 100000

fake 'exit 0' 'echo "not ok - x"; exit 1'
check "torture: a broken run of kills is shown with its seed" \
    breaks_with "CRASH_KILLS=50 $build/tests/crash/test_crash_random" --runs 100000

tap_end
