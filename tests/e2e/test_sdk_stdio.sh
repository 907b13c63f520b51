#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The official TypeScript SDK's client, 1.x, with a server that it starts and speaks with by stdin and
# stdout; the tests are in clients.cjs.

. tests/lib/npm.sh

need_node 18
sdk=$(scripts/npm.sh sdk) || skip "$sdk"
exec "$node" tests/e2e/clients.cjs stdio "$sdk"
