-- SPDX-License-Identifier: Apache-2.0
--
-- What wrk sends: calls of one tool in one session, each with a request id of its own (a repeated
-- one would be answered from the store). All requests have the same length, so that making one
-- costs wrk as little as a fixed one does.
--
--   TOOL=add SESSION=... wrk -s call.lua URL
--
-- Ends with one line for run.sh: requests per second, p50 and p99 in microseconds, failures.

local n_threads = 0

function setup(thread)
    n_threads = n_threads + 1
    thread:set("thread_number", n_threads)
end

function init(args)
    local before = '{"jsonrpc":"2.0","id":'
    local behind = ',"method":"tools/call","params":{"name":"' .. (os.getenv("TOOL") or "peek") ..
                   '","arguments":{"a":40,"b":2}}}'

    next_id = thread_number * 1000000000 -- ten digits, whatever is added
    head = "POST " .. wrk.path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port ..
           "\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream" ..
           "\r\nMcp-Session-Id: " .. (os.getenv("SESSION") or "") ..
           "\r\nContent-Length: " .. (#before + 10 + #behind) .. "\r\n\r\n" .. before
    tail = behind
end

function request()
    next_id = next_id + 1
    return head .. string.format("%d", next_id) .. tail
end

function done(summary, latency, requests)
    local e = summary.errors

    io.write(string.format("RESULT %.0f %.0f %.0f %d\n", summary.requests * 1e6 / summary.duration,
                           latency:percentile(50), latency:percentile(99),
                           e.connect + e.read + e.write + e.status + e.timeout))
end
