#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The same cases on the wire from servers that run everything twice: clients see no difference.

if [ ! -x "$BUILD/tests/wire/test_wire" ]; then
    echo "ok - the cases on the wire are the same from a server that runs everything twice # SKIP $BUILD/tests/wire/test_wire"
    exit
fi
DMCP_VALIDATE_EFFECTS=on exec "$BUILD/tests/wire/test_wire"
