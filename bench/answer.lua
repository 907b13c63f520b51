-- SPDX-License-Identifier: Apache-2.0
--
-- A plain GET, for the static answer. Ends with the same line as call.lua.

function done(summary, latency, requests)
    local e = summary.errors

    io.write(string.format("RESULT %.0f %.0f %.0f %d\n", summary.requests * 1e6 / summary.duration,
                           latency:percentile(50), latency:percentile(99),
                           e.connect + e.read + e.write + e.status + e.timeout))
end
