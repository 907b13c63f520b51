#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Simulated worlds of random seeds and random kills of real servers, side by side, until something
# breaks or somebody stops it (Ctrl-C is no failure). What broke is shown with the seed that repeats
# it; the exit status is 1 then.
#
#   scripts/torture.sh [--seconds N] [--runs N]     BUILD=build JOBS=number of processors
#
# --seconds ends it after so long, --runs after so many worlds.
set -uo pipefail

export BUILD=${BUILD:-build}
JOBS=${JOBS:-$(nproc)}
CHUNK=500      # worlds between two looks at the time
KILL_EVERY=20  # a run of kills for so many chunks of each job
seconds=0
runs=0
sim=$BUILD/tests/sim/test_sim_calls
kills=$BUILD/tests/crash/test_crash_random

while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=$2; shift 2 ;;
        --runs) runs=$2; shift 2 ;;
        *) echo "usage: scripts/torture.sh [--seconds N] [--runs N]" >&2; exit 2 ;;
    esac
done

export TMPDIR=${TMPDIR:-/tmp}
dir=$(mktemp -d "$TMPDIR/torture-XXXXXX") || exit 1
: >"$dir/done"
began=$SECONDS

# 48 random bits that are not 0, as a number.
draw() { echo $((1 + 0x$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n'))); }

count() { awk '{ worlds += $1; kills += $2 } END { print worlds + 0, kills + 0 }' "$dir/done"; }

may_go_on() {
    [ ! -e "$dir/stop" ] || return 1
    [ "$seconds" -eq 0 ] || [ $((SECONDS - began)) -lt "$seconds" ] || return 1
    [ "$runs" -eq 0 ] || [ "$(count | cut -d' ' -f1)" -lt "$runs" ]
}

# $1 the log; then what repeats it.
broke() {
    local log=$1
    shift
    : >"$dir/stop"
    {
        flock 9
        echo "---- broken; repeat it with:"
        echo "     $*"
        tail -n 40 "$log"
    } 9>"$dir/lock"
    : >"$dir/broken"
}

run_worlds() {
    local log=$1 from n=$CHUNK seed
    from=$(draw)
    if [ "$runs" -ne 0 ] && [ "$runs" -lt "$n" ]; then
        n=$runs
    fi
    if SIM_FROM=$from SIM_RUNS=$n "$sim" 'no world' >"$log" 2>&1; then
        echo "$n 0" >>"$dir/done"
    else
        seed=$(grep -o 'SEED=[0-9]*' "$log" | head -n 1)
        broke "$log" "${seed:-SIM_FROM=$from SIM_RUNS=$n} $sim 'no world'"
    fi
}

run_kills() {
    local log=$1 seed
    seed=$(($(draw) % 1000000 + 1))
    if SEED=$seed CRASH_KILLS=50 "$kills" >"$log" 2>&1; then
        echo "0 50" >>"$dir/done"
    else
        broke "$log" "SEED=$seed CRASH_KILLS=50 $kills"
    fi
}

job() {
    local i
    for ((i = $1; ; i++)); do
        may_go_on || return
        if [ $((i % KILL_EVERY)) -eq 0 ]; then
            run_kills "$dir/log.$1"
        else
            run_worlds "$dir/log.$1"
        fi
    done
}

end() {
    : >"$dir/stop"
    wait
    read -r worlds killed < <(count)
    echo "torture: $worlds worlds and $killed kills in $((SECONDS - began)) s, $([ -e "$dir/broken" ] && echo broken || echo all well)"
    [ ! -e "$dir/broken" ]
    status=$?
    rm -rf "$dir"
    exit $status
}

trap end INT TERM
for ((j = 0; j < JOBS; j++)); do
    job "$j" &
done
wait
end
