/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of clients that others wrote share: servers that are killed and started again, the
 * clients themselves behind one small interface, and TAP.
 *
 * A kind of client is { name, started(program, env), connect(server, { session, capabilities }) }:
 * the server that it is to talk to, and a client that does. That has the methods of the
 * TypeScript SDK, which 1.x and 2.x share, and instead of what they do not:
 *
 *     client.tool(name, arguments, options)    tools/call
 *     client.on(method, handler)               requests and notifications of the server
 *     client.session                           the session's id; none where it is somebody else's
 */
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const { createRequire } = require('node:module');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');

const BUILD = process.env.BUILD || 'build';
const TMP = process.env.TMPDIR || '/tmp';
const CALL_MS = 20000;

/* ---- servers ---- */

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

let nServers = 0;

/* A server with a store of its own. It keeps its port when it is started again. */
class Server {
    constructor(program, env) {
        this.env = { ...process.env, ...env };
        this.program = path.join(BUILD, program);
        this.dir = path.join(TMP, `server-${++nServers}`);
        this.port = 0;
        fs.mkdirSync(this.dir);
    }

    async start() {
        const child = spawn(this.program, ['--listen', `127.0.0.1:${this.port}`,
                                           '--store', path.join(this.dir, 'store')],
                            { stdio: ['ignore', 'ignore', 'pipe'], env: this.env });
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

    /* What its operator sees of its calls, newest first. */
    calls() {
        const said = execFileSync(path.join(BUILD, 'dmcp'), ['inspect', 'calls', '--json', '--store',
                                                             this.path('store')]);

        return JSON.parse(said).calls;
    }

    /* Until its network thread was through its work twice: what was to be sent was sent. */
    async settle() {
        for (let i = 0; i < 2; i++)
            await (await fetch(this.url.origin)).text();
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

/* The same on stdin and stdout, which its client starts. What dies is the process that works; the
 * one that the client started starts the next. */
class StdioServer extends Server {
    async start() { /* by whoever connects */ }

    options() { return ['--stdio', '--store', this.path('store')]; }

    worker() {
        const children = `/proc/${this.pid}/task/${this.pid}/children`;

        return fs.existsSync(children) ? Number(fs.readFileSync(children, 'utf8').split(' ')[0]) : 0;
    }

    async settle() { /* a host does not see that it died */ }

    async crash() {
        const old = this.worker();

        process.kill(old, 'SIGKILL');
        await until(() => this.worker() && this.worker() !== old, 'the next process');
    }

    /* It ended with its client. */
    async kill() {
        await until(() => !fs.existsSync(`/proc/${this.pid}`), 'the end of the server');
        return 0;
    }
}

async function started(Kind, program, env = {}) {
    const server = new Kind(program, env);

    await server.start();
    return server;
}

async function until(cond, what) {
    const end = Date.now() + CALL_MS;

    while (!cond()) {
        assert(Date.now() < end, `${what} did not come`);
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

/* ---- clients ---- */

const INFO = { name: 'foreign', version: '1' };

/* Of those that speak HTTP. */
class HttpKind {
    started(program, env) { return started(Server, program, env); }
}

/* The official SDK, 1.x. `dir`/node_modules has @modelcontextprotocol/sdk. */
class Sdk1 extends HttpKind {
    constructor(dir) {
        super();
        const load = createRequire(path.join(path.resolve(dir), 'of-the-sdk.cjs'));
        const types = load('@modelcontextprotocol/sdk/types.js');

        this.name = 'the SDK 1.x';
        this.Client = load('@modelcontextprotocol/sdk/client/index.js').Client;
        this.Http = load('@modelcontextprotocol/sdk/client/streamableHttp.js')
                        .StreamableHTTPClientTransport;
        this.Stdio = load('@modelcontextprotocol/sdk/client/stdio.js').StdioClientTransport;
        this.schemas = {
            'elicitation/create': types.ElicitRequestSchema,
            'sampling/createMessage': types.CreateMessageRequestSchema,
            'roots/list': types.ListRootsRequestSchema,
            'notifications/elicitation/complete': types.ElicitationCompleteNotificationSchema,
            'notifications/message': types.LoggingMessageNotificationSchema,
            'notifications/resources/updated': types.ResourceUpdatedNotificationSchema,
            'notifications/tools/list_changed': types.ToolListChangedNotificationSchema,
        };
    }

    async connectBy(transport, capabilities = {}) {
        const client = new this.Client(INFO, { capabilities });

        client.tool = (name, args, options) =>
            client.callTool({ name, arguments: args }, undefined, { timeout: CALL_MS, ...options });
        client.on = (method, handler) =>
            method.startsWith('notifications/')
                ? client.setNotificationHandler(this.schemas[method], handler)
                : client.setRequestHandler(this.schemas[method], handler);
        await client.connect(transport);
        return client;
    }

    /* With a session it takes that up, which was of 2025-11-25, and begins none. */
    async connect(server, { session, capabilities } = {}) {
        const transport = new this.Http(server.url, { sessionId: session });
        const client = await this.connectBy(transport, capabilities);

        if (session)
            transport.setProtocolVersion('2025-11-25');
        client.session = transport.sessionId;
        return client;
    }
}

/* The official SDK, 2.x, in the era of sessions. */
class Sdk2 extends HttpKind {
    constructor(dir) {
        super();
        const load = createRequire(path.join(path.resolve(dir), 'of-the-sdk.cjs'));

        this.name = 'the SDK 2.x';
        Object.assign(this, load('@modelcontextprotocol/client'));
        this.Stdio = load('@modelcontextprotocol/client/stdio').StdioClientTransport;
    }

    /* Not told which era the server is of. On stdio it starts the server once only to find out. */
    async connectUnknowing(server, isPiped) {
        const client = new this.Client(INFO, { versionNegotiation: { mode: 'auto' } });

        await client.connect(isPiped
            ? new this.Stdio({ command: server.program, env: server.env, stderr: 'ignore',
                               args: ['--stdio', '--store', server.path('piped')] })
            : new this.StreamableHTTPClientTransport(server.url));
        return client;
    }

    async connect(server, { session, capabilities = {} } = {}) {
        const client = new this.Client(INFO, { capabilities });
        const transport = new this.StreamableHTTPClientTransport(server.url, {
            sessionId: session,
            protocolVersion: session ? '2025-11-25' : undefined,
        });

        client.tool = (name, args, options) =>
            client.callTool({ name, arguments: args }, { timeout: CALL_MS, ...options });
        client.on = (method, handler) =>
            method.startsWith('notifications/') ? client.setNotificationHandler(method, handler)
                                                : client.setRequestHandler(method, handler);
        await client.connect(transport);
        client.session = transport.sessionId;
        return client;
    }
}

/* mcp-remote, which makes a local program of a server far away; behind it the SDK 1.x. */
class Remote extends HttpKind {
    constructor(dir, sdkDir) {
        super();
        this.name = 'mcp-remote';
        this.program = path.join(dir, 'node_modules/mcp-remote/dist/proxy.js');
        this.sdk = new Sdk1(sdkDir);
    }

    connect(server, { capabilities } = {}) {
        const transport = new this.sdk.Stdio({
            command: process.execPath,
            args: [this.program, server.url.href, '--transport', 'http-only'],
            env: { ...process.env, MCP_REMOTE_CONFIG_DIR: server.path('mcp-remote') },
            stderr: 'ignore',
        });

        return this.sdk.connectBy(transport, capabilities);
    }
}

/* The SDK 1.x on stdin and stdout, with a server that it starts itself. */
class Stdio {
    constructor(dir) {
        this.name = 'the SDK 1.x on stdio';
        this.sdk = new Sdk1(dir);
    }

    started(program, env) { return started(StdioServer, program, env); }

    async connect(server, { capabilities } = {}) {
        const transport = new this.sdk.Stdio({ command: server.program, args: server.options(),
                                               env: server.env, stderr: 'ignore' });
        const client = await this.sdk.connectBy(transport, capabilities);

        server.pid = transport.pid;
        return client;
    }
}

/* ---- tests ---- */

const tests = [];
const test = (sentence, run) => tests.push({ sentence, run });

/* Each gets the kind of client that it is about. */
async function main(subject, kind) {
    let failed = false;

    process.on('unhandledRejection', (error) => {
        console.log(`# unhandled: ${error.stack}`);
        failed = true;
    });
    for (const { sentence, run } of tests) {
        console.log(`# running: ${subject}: ${sentence}`);
        try {
            await run(kind);
            console.log(`ok - ${subject}: ${kind.name} ${sentence}`);
        } catch (error) {
            failed = true;
            console.log(`not ok - ${subject}: ${kind.name} ${sentence}`);
            console.log(String(error.stack).replace(/^/gm, '#   '));
        }
    }
    process.exit(failed ? 1 : 0);
}

module.exports = { Remote, Sdk1, Sdk2, Stdio, main, test, until };
