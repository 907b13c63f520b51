#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The official conformance suite against build/tests/everything, and the Inspector's command line:
# each scenario is one line, `ok - ...` or `not ok - ...`. Ends with the totals.
#
#   scripts/conformance.sh [revision ...]      2025-11-25 until given
set -uo pipefail
BUILD=${BUILD:-build}
cd "$(dirname "$0")/.."
passed=0 failed=0

say() { # good? sentence
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        echo "ok - $2"
    else
        failed=$((failed + 1))
        echo "not ok - $2"
    fi
}

skip() {
    echo "conformance: skipped, needs $1"
    exit 0
}

node=$(scripts/npm.sh node22) || skip "$node"
suite=$(scripts/npm.sh conformance) || skip "$suite"
inspector=$(scripts/npm.sh inspector) || skip "$inspector"
make --no-print-directory -s BUILD="$BUILD" "$BUILD/tests/everything" || exit 1

dir=$(mktemp -d)
"$BUILD/tests/everything" --listen 127.0.0.1:0 --store "$dir/store" 2>"$dir/said" &
pid=$!
trap 'kill -KILL $pid 2>/dev/null; rm -rf "$dir"' EXIT
until line=$(grep -m 1 ' listens on ' "$dir/said"); do
    kill -0 $pid 2>/dev/null || { cat "$dir/said"; exit 1; }
done
url=$(sed 's/.* listens on \([^,]*\),.*/\1/' <<<"$line")

for revision in "${@:-2025-11-25}"; do
    echo "==> conformance suite, $revision, against $url"
    timeout 300 "$node" "$suite/node_modules/@modelcontextprotocol/conformance/dist/index.js" server \
        --url "$url" --requirements "$revision" -o "$dir/out" >"$dir/log" 2>&1
    sed 's/\x1b\[[0-9;]*m//g' "$dir/log" >"$dir/plain"
    # "✓ name: 3 passed, 0 failed"; the summary repeats some of them with fewer words.
    while read -r mark name rest; do
        [ "$mark" = "✓" ] && [[ $rest == *" 0 failed" ]]
        say $? "conformance $revision: ${name%:} ($rest)"
    done < <(grep -E '^(✓|✗) [a-z0-9-]+: ' "$dir/plain")
done

echo "==> Inspector, command line"
cli=$inspector/node_modules/@modelcontextprotocol/inspector/cli/build/cli.js
export PATH=$(dirname "$node"):$PATH # it starts node itself
timeout 60 "$node" "$cli" --cli "$url" --transport http --method tools/list >"$dir/list" 2>&1 &&
    grep -q test_simple_text "$dir/list"
say $? "inspector: lists the tools"
timeout 60 "$node" "$cli" --cli "$url" --transport http --method tools/call --tool-name add --tool-arg a=2 b=3 >"$dir/call" 2>&1 &&
    grep -q '"result": 5' "$dir/call"
say $? "inspector: calls a tool"

kill -TERM $pid
wait $pid
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 20 ]
