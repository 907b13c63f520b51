// SPDX-License-Identifier: Apache-2.0
//
// The official TypeScript client against servers of ours; run by test_sdk.sh in a directory that
// has the package. Prints one line per thing that it saw to be right, and fails at the first other.
//
//   node sdk.mjs audit URL
//   node sdk.mjs torture URL LOG COMMAND     COMMAND kills the server and starts it again

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.SDK_DIR + "/");
const load = (path) => import(pathToFileURL(require.resolve("@modelcontextprotocol/sdk/" + path)).href);
const { Client } = await load("client/index.js");
const { StreamableHTTPClientTransport } = await load("client/streamableHttp.js");
const { CallToolResultSchema } = await load("types.js");

const [what, url, log, command] = process.argv.slice(2);
const client = new Client({ name: "sdk-test", version: "1.0.0" });
const transport = new StreamableHTTPClientTransport(new URL(url), {
    reconnectionOptions: {
        initialReconnectionDelay: 200,
        maxReconnectionDelay: 1000,
        reconnectionDelayGrowFactor: 1.5,
        maxRetries: 50,
    },
});
client.onerror = () => {}; // a lost connection is what this is about

await client.connect(transport);

async function audit() {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((t) => t.name).sort(),
        ["create_user", "delete_user", "get_audit_log", "update_user"]);
    console.log("listed");
    const made = await client.callTool({ name: "create_user", arguments: { name: "Ann", email: "ann@example.org" } });
    assert.equal(made.structuredContent.status, "success");
    const read = await client.callTool({ name: "get_audit_log", arguments: { log_name: "user_operations" } });
    assert.equal(read.structuredContent.count, 1);
    console.log("called");
    const wrong = await client.callTool({ name: "create_user", arguments: { name: 7, email: "x" } });
    assert.equal(wrong.isError, true);
    assert.match(wrong.content[0].text, /name/);
    console.log("told what was wrong");
}

async function torture() {
    let tokens = 0;
    const result = await client.request(
        {
            method: "tools/call",
            params: {
                name: "run",
                arguments: {
                    id: "sdk", log,
                    steps: [
                        { alias: "first", guard: "at_most_once" },
                        { alias: "second", guard: "at_least_once", before_ms: 1500 },
                        { alias: "third", guard: "at_most_once" },
                    ],
                },
            },
        },
        CallToolResultSchema,
        {
            timeout: 60000,
            onresumptiontoken: () => {
                if (++tokens === 1) setTimeout(() => execFileSync("bash", ["-c", command], { stdio: "ignore" }), 200);
            },
        });
    assert.deepEqual(result.structuredContent.steps.map((s) => s.outcome), ["ok", "ok", "ok"]);
    console.log("answered");
}

await (what === "audit" ? audit() : torture());
await transport.terminateSession();
await client.close();
