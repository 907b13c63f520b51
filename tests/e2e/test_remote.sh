#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# mcp-remote, by which programs that know only stdio reach a server; the tests are in clients.cjs.

. tests/lib/npm.sh

need_node 20
remote=$(scripts/npm.sh remote) || skip "$remote"
sdk=$(scripts/npm.sh sdk) || skip "$sdk"
exec "$node" tests/e2e/clients.cjs remote "$remote" "$sdk"
