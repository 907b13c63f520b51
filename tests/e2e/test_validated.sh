#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The acceptance scenarios, and a server that changes while it runs, once more with everything that
# succeeds run twice: clients see no difference.

set -o pipefail

status=0
for name in test_acceptance test_acceptance_ask test_changing; do
    program=$BUILD/tests/e2e/$name
    if [ -x "$program" ]; then
        DMCP_VALIDATE_EFFECTS=on "$program" 2>&1 | grep -v '^1\.\.' || status=1
    else
        echo "ok - $name passes when everything is run twice # SKIP $program"
    fi
done
exit "$status"
