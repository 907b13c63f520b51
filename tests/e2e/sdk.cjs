/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The official TypeScript SDK's client against real servers, which are killed while it waits.
 *
 *   node sdk.cjs DIR      DIR/node_modules has @modelcontextprotocol/sdk; $BUILD and $TMPDIR as ever
 *
 * Prints TAP, a line for each test.
 */
'use strict';

const { spawn } = require('node:child_process');
const { createRequire } = require('node:module');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');

const sdk = createRequire(path.join(path.resolve(process.argv[2]), 'of-the-sdk.cjs'));
const { Client } = sdk('@modelcontextprotocol/sdk/client/index.js');
const { StreamableHTTPClientTransport } = sdk('@modelcontextprotocol/sdk/client/streamableHttp.js');
const types = sdk('@modelcontextprotocol/sdk/types.js');

const BUILD = process.env.BUILD || 'build';
const TMP = process.env.TMPDIR || '/tmp';

/* ---- servers ---- */

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

let nServers = 0;

/* A server with a store of its own. It keeps its port when it is started again. */
class Server {
    constructor(program) {
        this.program = path.join(BUILD, program);
        this.dir = path.join(TMP, `sdk-${++nServers}`);
        this.port = 0;
        fs.mkdirSync(this.dir);
    }

    async start() {
        const child = spawn(this.program, ['--listen', `127.0.0.1:${this.port}`,
                                           '--store', path.join(this.dir, 'store')],
                            { stdio: ['ignore', 'ignore', 'pipe'] });
        let said = '';

        this.child = child;
        running.add(child);
        child.on('exit', () => running.delete(child));
        const port = await new Promise((resolve, reject) => {
            child.on('exit', () => reject(new Error(`the server ended, saying: ${said}`)));
            child.stderr.on('data', (data) => {
                said += data;
                const listens = / listens on http:\/\/127\.0\.0\.1:(\d+)\//.exec(said);
                if (listens)
                    resolve(Number(listens[1]));
            });
        });
        this.port = port;
        this.url = new URL(`http://127.0.0.1:${port}/mcp`);
    }

    async kill(signal = 'SIGKILL') {
        const ended = new Promise((resolve) => this.child.once('exit', resolve));

        this.child.kill(signal);
        return ended;
    }

    async crash() {
        await this.kill();
        await this.start();
    }

    path(name) { return path.join(this.dir, name); }

    openGate() { fs.writeFileSync(this.path('gate'), ''); }

    /* How often this line stands in the log. */
    count(line) {
        try {
            return fs.readFileSync(this.path('log'), 'utf8').split('\n')
                     .filter((l) => l === line).length;
        } catch {
            return 0;
        }
    }
}

async function started(program) {
    const server = new Server(program);

    await server.start();
    return server;
}

async function until(cond, what) {
    const end = Date.now() + 20000;

    while (!cond()) {
        assert(Date.now() < end, `${what} did not come`);
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

/* ---- clients ---- */

async function connected(server, { session, capabilities = {} } = {}) {
    const client = new Client({ name: 'sdk test', version: '1' }, { capabilities });
    const transport = new StreamableHTTPClientTransport(server.url, { sessionId: session });

    await client.connect(transport);
    client.session = transport.sessionId;
    return client;
}

/* The call `walk` of three steps; the second waits at the gate. */
function walk(client, server, options) {
    return client.callTool({ name: 'walk',
                             arguments: { id: 'x', log: server.path('log'), n: 3,
                                          guard: 'at_least_once', at: 2,
                                          gate: server.path('gate') } },
                           undefined, { timeout: 20000, ...options });
}

const allOk = { outcomes: ['ok', 'ok', 'ok'] };

/* ---- tests ---- */

const tests = [];
const test = (sentence, run) => tests.push({ sentence, run });

test('lists the audit example\'s tools and calls them', async () => {
    const server = await started('examples/audit-server');
    const client = await connected(server);
    const { tools } = await client.listTools();
    const created = await client.callTool({ name: 'create_user',
                                            arguments: { name: 'Ada', email: 'ada@example.org' } });
    const log = await client.callTool({ name: 'get_audit_log',
                                        arguments: { log_name: 'user_operations' } });

    assert.deepStrictEqual(tools.map((t) => t.name).sort(),
                           ['create_user', 'delete_user', 'get_audit_log', 'update_user']);
    assert(!created.isError);
    assert.strictEqual(log.structuredContent.count, 1);
    await client.close();
    await server.kill();
});

test('finds what it did after the server was killed, in the same session', async () => {
    const server = await started('examples/audit-server');
    const client = await connected(server);

    await client.callTool({ name: 'create_user',
                            arguments: { name: 'Ada', email: 'ada@example.org' } });
    await server.crash();
    const log = await client.callTool({ name: 'get_audit_log',
                                        arguments: { log_name: 'user_operations' } });
    assert.strictEqual(log.structuredContent.count, 1);
    await client.close();
    await server.kill();
});

test('gets an unknown tool as an error and wrong arguments as a result', async () => {
    const server = await started('examples/audit-server');
    const client = await connected(server);
    const wrong = await client.callTool({ name: 'create_user', arguments: { name: 'Ada' } });

    assert(wrong.isError);
    assert.match(wrong.content[0].text, /email/);
    await assert.rejects(client.callTool({ name: 'no_such_tool' }), { code: -32602 });
    await client.close();
    await server.kill();
});

test('comes back by itself when the server is killed within its call, and gets the one answer',
     async () => {
    const server = await started('tests/gates');
    const client = await connected(server);
    const answer = walk(client, server);

    await until(() => server.count('x 2') === 1, 'the second step');
    await server.crash();
    server.openGate();
    assert.deepStrictEqual((await answer).structuredContent, allOk);
    assert.deepStrictEqual([1, 2, 3].map((i) => server.count(`x ${i}`)), [1, 2, 1]);
    await client.close();
    await server.kill();
});

test('resumes a call of a client that is gone with its resumption token', async () => {
    const server = await started('tests/gates');
    const first = await connected(server);
    let token;

    walk(first, server, { onresumptiontoken: (t) => { token = t; } }).catch(() => {});
    await until(() => token && server.count('x 2') === 1, 'the token');
    await first.close();
    await server.crash();
    server.openGate();
    const second = await connected(server, { session: first.session });
    second.transport.setProtocolVersion('2025-11-25');
    const answer = await walk(second, server, { resumptionToken: token });
    assert.deepStrictEqual(answer.structuredContent, allOk);
    assert.deepStrictEqual([1, 3].map((i) => server.count(`x ${i}`)), [1, 1]);
    await second.close();
    await server.kill();
});

test('is told each step of progress once, though the server is killed in between', async () => {
    const server = await started('tests/gates');
    const client = await connected(server);
    const told = [];
    const answer = client.callTool({ name: 'emit',
                                     arguments: { n: 6, at: 3, gate: server.path('gate') } },
                                   undefined, { onprogress: (p) => told.push(p.progress) });

    await until(() => told.length === 3, 'the third step');
    await server.crash();
    server.openGate();
    assert.deepStrictEqual((await answer).structuredContent, { result: 6 });
    assert.deepStrictEqual(told, [1, 2, 3, 4, 5, 6]);
    await client.close();
    await server.kill();
});

test('hears on its own stream that the tools changed, also after a restart', async () => {
    const server = await started('tests/gates');
    const client = await connected(server);
    const changed = { name: 'emit', arguments: { n: 1, kind: 'changed' } };
    let n = 0;

    client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => { n++; });
    await client.callTool(changed);
    await until(() => n === 1, 'the first notification');
    await server.crash();
    await client.callTool(changed);
    await until(() => n === 2, 'the second notification');
    await client.close();
    await server.kill();
});

test('answers a question that a killed server asks again', async () => {
    const server = await started('tests/torture');
    const client = await connected(server, { capabilities: { elicitation: {} } });
    const asked = [];
    let answerFirst;

    client.setRequestHandler(types.ElicitRequestSchema, (request) => {
        asked.push(request.params.message);
        return asked.length === 1 ? new Promise((resolve) => { answerFirst = resolve; })
                                  : { action: 'accept', content: { ok: true } };
    });
    const answer = client.callTool({ name: 'run',
                                     arguments: { id: 'q', log: server.path('log'),
                                                  steps: [{ alias: 'ask', guard: 'elicit' },
                                                          { alias: 'last', guard: 'at_most_once' }] } },
                                   undefined, { timeout: 20000 });
    await until(() => asked.length === 1, 'the question');
    await server.crash();
    const { steps } = (await answer).structuredContent;
    assert.deepStrictEqual(steps.map((s) => s.outcome), ['ok', 'ok']);
    assert.strictEqual(asked.length, 2);
    assert.strictEqual(server.count('q last'), 1);
    answerFirst({ action: 'cancel' }); /* too late: nobody waits for it */
    await client.close();
    await server.kill();
});

test('closes its session, which is gone then', async () => {
    const server = await started('tests/gates');
    const client = await connected(server);

    await client.transport.terminateSession();
    const again = await connected(server, { session: client.session });
    await assert.rejects(again.ping(), { code: 404 });
    await client.close();
    await again.close();
    assert.strictEqual(await server.kill('SIGTERM'), 0);
});

async function main() {
    let failed = false;

    process.on('unhandledRejection', (error) => {
        console.log(`# unhandled: ${error.stack}`);
        failed = true;
    });
    for (const { sentence, run } of tests) {
        console.log(`# running: sdk: ${sentence}`);
        try {
            await run();
            console.log(`ok - sdk: the official client ${sentence}`);
        } catch (error) {
            failed = true;
            console.log(`not ok - sdk: the official client ${sentence}`);
            console.log(error.stack.replace(/^/gm, '#   '));
        }
    }
    process.exit(failed ? 1 : 0);
}

main();
