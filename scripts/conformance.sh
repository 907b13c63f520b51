#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The official MCP conformance suite against tests/programs/everything.c. Prints TAP; `make
# conformance` runs it.
#
#   scripts/conformance.sh [revision...]      of those below
#
# What counts is what the suite wrote of each check, not how it ended: it ends well when it has run
# nothing, and a warning is no failure to it. Each scenario is a test, which passes when it made a
# check and each of its checks is a SUCCESS; and the scenarios and checks are counted, so that none
# can be lost. The only others there may be are the lines of its diary: server-sse-polling writes down
# as INFO what it sends and gets.
set -u

# revision: scenarios, and the checks that they make
declare -A SCENARIOS=([2025-03-26]=1 [2025-06-18]=27 [2025-11-25]=33)
declare -A CHECKS=([2025-03-26]=3 [2025-06-18]=56 [2025-11-25]=84)
DIARY="outgoing-request incoming-response incoming-sse-event stream-closed"

cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}
export TMPDIR=${TMPDIR:-$(mktemp -d)}
. tests/lib/tap.sh
. tests/lib/serve.sh

skip() {
    echo "ok - conformance: the official suite # SKIP $1"
    exit 0
}

suite=$(scripts/npm.sh conformance) || skip "$suite"
node=$(scripts/npm.sh node22) || skip "$node"

# A line for each scenario: its name, its successes, and what else there is, as status:check.
summary='
    const fs = require("node:fs"), path = require("node:path");
    const [out, ...diary] = process.argv.slice(1);
    for (const file of fs.readdirSync(out, { recursive: true }).sort()) {
        if (path.basename(file) !== "checks.json")
            continue;
        const name = path.dirname(file).replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT[0-9Z-]+$/, "");
        const checks = JSON.parse(fs.readFileSync(path.join(out, file)));
        const others = checks.filter((c) => c.status !== "SUCCESS")
                             .filter((c) => !(c.status === "INFO" && diary.includes(c.id)))
                             .map((c) => `${c.status}:${c.id}:${c.errorMessage ?? ""}`.replace(/\s+/g, "_"));
        console.log(name, checks.filter((c) => c.status === "SUCCESS").length, ...others);
    }'

# The set that a revision requires, where the suite knows one, has what was added to the suite later.
run_suite() {
    local revision=$1 out=$TMPDIR/$1 which=(--suite all --spec-version "$1")
    [ "$revision" != 2025-11-25 ] || which=(--requirements "$revision")
    "$node" "$suite/node_modules/.bin/conformance" server --url "$url" "${which[@]}" -o "$out" \
        >"$out.said" 2>&1
    mkdir -p "$out"
    # shellcheck disable=SC2086
    "$node" -e "$summary" "$out" $DIARY >"$out.summary"
}

has_passed() { [ "$1" -gt 0 ] && [ $# = 1 ] || { echo "successes: $*"; false; }; }

# has_all SCENARIOS CHECKS REVISION
has_all() {
    local got
    got=$(awk '{ n += $2 } END { print NR, n + 0 }' "$TMPDIR/$3.summary")
    [ "$got" = "$1 $2" ] || { echo "it has $got"; cat "$TMPDIR/$3.said"; false; }
}

serve tests/everything
for revision in ${*:-2025-03-26 2025-06-18 2025-11-25}; do
    n=${SCENARIOS[$revision]} n_checks=${CHECKS[$revision]}
    run_suite "$revision"
    while read -r scenario counts; do
        # shellcheck disable=SC2086
        check "conformance: $revision $scenario" has_passed $counts
    done <"$TMPDIR/$revision.summary"
    check "conformance: $revision has $n scenarios, and their $n_checks checks have succeeded" \
        has_all "$n" "$n_checks" "$revision"
done
unserve
check "conformance: the server ends in order" [ $? = 0 ]
tap_end
