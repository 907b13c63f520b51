#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The official TypeScript SDK's client, 2.x; the tests are in clients.cjs.

. tests/lib/npm.sh

need_node 20
sdk2=$(scripts/npm.sh sdk2) || skip "$sdk2"
exec "$node" tests/e2e/clients.cjs sdk2 "$sdk2"
