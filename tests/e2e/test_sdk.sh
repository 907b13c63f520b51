#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The official TypeScript SDK's client; the tests are in sdk.cjs.

skip() {
    echo "ok - sdk: the official client # SKIP $1"
    exit 0
}

command -v node >/dev/null || skip Node.js
[ "$(node -p 'parseInt(process.versions.node) >= 18')" = true ] || skip "Node.js 18"
sdk=$(scripts/npm.sh sdk) || skip "$sdk"
exec node tests/e2e/sdk.cjs "$sdk"
