#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The official MCP conformance suite against tests/programs/everything.c: each scenario is a test,
# which passes when the suite made at least one check, and none failed or warned. Prints TAP; `make
# conformance` runs it.
#
#   scripts/conformance.sh [revision...]      those whose scenarios are named below
#
# What has to pass stands here, by the set of requirements that the suite runs; who adds a feature
# adds its scenarios. Others are run too, and not looked at.

REVISIONS="2025-11-25"

declare -A SCENARIOS=([2025-11-25]="
    completion-complete
    dns-rebinding-protection
    elicitation-sep1034-defaults
    elicitation-sep1330-enums
    json-schema-2020-12
    logging-set-level
    ping
    prompts-get-embedded-resource
    prompts-get-simple
    prompts-get-with-args
    prompts-get-with-image
    prompts-list
    resources-list
    resources-read-binary
    resources-read-text
    resources-subscribe
    resources-templates-read
    resources-unsubscribe
    server-initialize
    server-session-lifecycle
    server-sse-multiple-streams
    server-sse-polling
    tools-call-audio
    tools-call-elicitation
    tools-call-embedded-resource
    tools-call-error
    tools-call-image
    tools-call-mixed-content
    tools-call-sampling
    tools-call-simple-text
    tools-call-with-logging
    tools-call-with-progress
    tools-list
")

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

# What the suite wrote of each scenario, as one line: its name, successes, failures, warnings.
summary='
    const fs = require("node:fs"), out = process.argv[1];
    for (const dir of fs.readdirSync(out)) {
        const checks = JSON.parse(fs.readFileSync(`${out}/${dir}/checks.json`));
        const count = (status) => checks.filter((check) => check.status === status).length;
        const name = dir.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT[0-9Z-]+$/, "");
        console.log(name, count("SUCCESS"), count("FAILURE"), count("WARNING"));
    }'

run_suite() {
    local out=$TMPDIR/$1
    "$node" "$suite/node_modules/.bin/conformance" server --url "$url" --requirements "$1" -o "$out" \
        >"$out.said" 2>&1
    "$node" -e "$summary" "$out" >"$out.summary"
}

has_passed() { grep -qE "^$2 [1-9][0-9]* 0 0\$" "$TMPDIR/$1.summary" || { cat "$TMPDIR/$1.said"; false; }; }

serve tests/everything
for revision in ${*:-$REVISIONS}; do
    run_suite "$revision"
    for scenario in ${SCENARIOS[$revision]}; do
        check "conformance: $revision $scenario" has_passed "$revision" "$scenario"
    done
done
unserve
check "conformance: the server ends in order" [ $? = 0 ]
tap_end
