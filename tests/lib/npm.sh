# SPDX-License-Identifier: Apache-2.0
#
# For tests that are shell scripts around clients from npm; sourced by them. A script without its
# client is one skipped test that names what is missing.

skip() {
    local script=${0##*/test_}
    echo "ok - ${script%.sh}: a client that others wrote # SKIP $1"
    exit 0
}

# need_node MAJOR: $node is of that version or a later one.
need_node() {
    node=$(command -v node) && [ "$("$node" -p "parseInt(process.versions.node) >= $1")" = true ] && return
    node=$(scripts/npm.sh node22) || skip "$node"
}
