#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Inspector of the 0.16 line.

. tests/foreign/inspector.sh

need_node 18
at=$(scripts/npm.sh inspector) || skip "$at"
inspect=("$node" "$at/node_modules/.bin/mcp-inspector" --cli URL --transport http)
visit "inspector 0.16"
unserve
check "inspector 0.16: the server ends in order" [ $? = 0 ]
stdio=("$node" "$at/node_modules/.bin/mcp-inspector" --cli)
visit_stdio "inspector 0.16"
tap_end
