#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs test programs and sums up what they report. The last line is "N passed, N failed", with
# ", N skipped" only if some were; the exit status is 0 only if nothing failed.
#
#   scripts/test.sh program...      BUILD=build TIMEOUT=120 JOBS=2 NO_SKIPS=
#
# A program prints TAP: a line "ok - sentence" or "not ok - sentence" for each test (numbers after ok
# are fine). A skipped one ends in "# SKIP facility", or follows a line "# missing: facility". Anything
# else it prints is shown only if something failed. These count as one failed test each: a program that
# crashed, took longer than TIMEOUT seconds, announced more tests than it reported, reported none, or
# exited with an error though every test passed; and a skip that does not say what is missing. With
# NO_SKIPS=1 a skip that says so is counted as ever, and the exit status is an error.
#
# Each program gets a TMPDIR of its own, removed if it passed. Processes that it left behind in its
# process group are ended.
set -uo pipefail

export BUILD=${BUILD:-build}
TIMEOUT=${TIMEOUT:-$([ -n "${SAN-}" ] && echo 360 || echo 120)}
JOBS=${JOBS:-2}
export TIMEOUT
summary=$(dirname "$0")/test-summary.awk

# RocksDB is not built with the thread sanitizer, which therefore cannot see its locking.
export TSAN_OPTIONS="suppressions=$PWD/scripts/tsan.supp halt_on_error=1 ${TSAN_OPTIONS-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS-}"

# One directory per run, so that two at a time do not disturb each other; those of runs that ended go.
mkdir -p "$BUILD/test-results/$$"
results=$(cd "$BUILD/test-results" && pwd)
out=$results/$$
for old in "$results"/*; do
    kill -0 "${old##*/}" 2>/dev/null || rm -rf "$old"
done

# Run one program; leave its report, as it is to be shown, and its counts in $out.
run_one() {
    local program=$1 name=${1#"$BUILD"/} log status pid
    name=${name//\//_}
    log=$out/$name
    export TMPDIR=$out/$name.tmp
    mkdir -p "$TMPDIR"
    # timeout makes itself the leader of a new process group, which the program's children share.
    timeout -k 5 "$TIMEOUT" "$program" >"$log.log" 2>&1 </dev/null &
    pid=$!
    trap 'kill -KILL -- "-$pid"; exit 1' TERM
    wait "$pid"
    status=$?
    kill -KILL -- "-$pid" 2>/dev/null
    awk -v program="$program" -v status="$status" -v limit="$TIMEOUT" -v counts="$log.counts" \
        -f "$summary" "$log.log" >"$log.report"
    [ "$(cut -d' ' -f2 "$log.counts")" != 0 ] || rm -rf "$TMPDIR"
    (flock 9 && cat "$log.report") 9>"$out/.lock"
}

trap 'kill $(jobs -p); exit 130' INT TERM
running=0
for program in "$@"; do
    if [ "$running" -ge "$JOBS" ]; then
        wait -n
        running=$((running - 1))
    fi
    run_one "$program" 2>/dev/null &
    running=$((running + 1))
done
wait

read -r passed failed skipped < <(cat "$out"/*.counts 2>/dev/null |
    awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
if [ $# -eq 0 ]; then
    echo "no test program matches"
    failed=1
fi
may_pass=1
if [ -n "${NO_SKIPS-}" ] && [ "$skipped" -gt 0 ]; then
    echo "what was skipped has to run here"
    may_pass=0
fi
echo
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ] && [ "$may_pass" = 1 ]
