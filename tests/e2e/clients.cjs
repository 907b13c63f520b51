/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that others wrote do all that a client can do, and are not disturbed when the server is
 * killed meanwhile.
 *
 *   node clients.cjs sdk|sdk2|stdio|remote DIR [DIR of sdk]     where scripts/npm.sh put them
 *
 * Prints TAP, a line for each test.
 */
'use strict';

const assert = require('node:assert');
const { Remote, Sdk1, Sdk2, Stdio, main, test, until } = require('../lib/foreign.cjs');

const [subject, dir, sdkDir] = process.argv.slice(2);
const isPiped = subject === 'remote' || subject === 'stdio';

const text = (result) => result.content[0].text;
const names = (list) => list.map((one) => one.name);

/* What clients see is the same when the server runs everything twice; where a test counts, it does
 * not. */
const twice = { DMCP_VALIDATE_EFFECTS: 'on' };

/* What becomes of a server and a client that nothing unusual happened to. */
async function visit(kind, program, run, capabilities, env) {
    const server = await kind.started(program, { ...twice, ...env });
    const client = await kind.connect(server, { capabilities });

    await run(client, server);
    await client.close();
    assert.strictEqual(await server.kill('SIGTERM'), 0);
}

/* The call `walk` of three steps; the second waits at the gate. */
function walk(client, server, options) {
    return client.tool('walk', { id: 'x', log: server.path('log'), n: 3, guard: 'at_least_once',
                                 at: 2, gate: server.path('gate') }, options);
}

const allOk = { outcomes: ['ok', 'ok', 'ok'] };

/* ---- what there is ---- */

test('lists tools, resources, templates and prompts', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const { tools } = await client.listTools();
    const { resources } = await client.listResources();
    const { resourceTemplates } = await client.listResourceTemplates();
    const { prompts } = await client.listPrompts();

    assert.strictEqual(client.getServerVersion().name, 'everything');
    assert.strictEqual(names(tools)[0], 'test_simple_text');
    assert.deepStrictEqual(tools.find((t) => t.name === 'add').inputSchema.required, ['a', 'b']);
    assert(resources.some((r) => r.uri === 'test://static-text'));
    assert.deepStrictEqual(resourceTemplates.map((r) => r.uriTemplate),
                           ['test://template/{id}/data']);
    assert.deepStrictEqual(prompts.find((p) => p.name === 'test_prompt_with_arguments').arguments
                                  .map((a) => a.name), ['arg1', 'arg2']);
}));

test('calls tools, and gets every kind of content', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const mixed = await client.tool('test_multiple_content_types', {});
    const audio = await client.tool('test_audio_content', {});
    const sum = await client.tool('add', { a: 5, b: 3 });

    assert.deepStrictEqual(mixed.content.map((c) => c.type), ['text', 'image', 'resource']);
    assert.strictEqual(audio.content[0].mimeType, 'audio/wav');
    assert.strictEqual(text(sum), '8');
    assert.deepStrictEqual(sum.structuredContent, { result: 8 });
    assert((await client.tool('test_error_handling', {})).isError);
    await client.ping();
}));

test('gets an unknown tool as an error and wrong arguments as a result', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const wrong = await client.tool('add', { a: 5 });

    assert(wrong.isError);
    assert.match(text(wrong), /\bb\b/);
    await assert.rejects(client.tool('no_such_tool', {}), { code: -32602 });
    assert.strictEqual(text(await client.tool('add', { a: 1, b: 1 })), '2');
}));

test('reads resources: text, bytes, those of a template, and those that are not there', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const read = async (uri) => (await client.readResource({ uri })).contents[0];

    assert.match((await read('test://static-text')).text, /static text resource/);
    assert.match((await read('test://static-binary')).blob, /^iVBORw0KGgo/);
    assert.strictEqual(JSON.parse((await read('test://template/123/data')).text).id, '123');
    /* -32002, of which the SDK 2.x makes a class with another number */
    await assert.rejects(read('test://no-such'), (error) => error.data.uri === 'test://no-such');
}));

test('gets prompts with what is in them, and completes an argument', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const name = 'test_prompt_with_arguments';
    const got = await client.getPrompt({ name, arguments: { arg1: 'one', arg2: 'two' } });
    const image = await client.getPrompt({ name: 'test_prompt_with_image' });
    const { completion } = await client.complete({ ref: { type: 'ref/prompt', name },
                                                   argument: { name: 'arg1', value: 'par' } });

    assert.strictEqual(got.messages[0].content.text,
                       'Prompt with arguments: arg1=\'one\', arg2=\'two\'');
    assert.deepStrictEqual(image.messages.map((m) => m.content.type), ['image', 'text']);
    assert.deepStrictEqual(completion.values, ['paris', 'park', 'party']);
    await assert.rejects(client.getPrompt({ name, arguments: { arg1: 'one' } }), { code: -32602 });
}));

test('is told of the resource that it subscribed to, and only while it does', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const uri = 'test://watched-resource';
    const told = [];

    client.on('notifications/resources/updated', (n) => { told.push(n.params.uri); });
    await client.subscribeResource({ uri });
    await client.tool('test_touch_watched', {});
    await until(() => told.length === 1, 'the update');
    await client.unsubscribeResource({ uri });
    await client.tool('test_touch_watched', {});
    await client.subscribeResource({ uri });
    await client.tool('test_touch_watched', {});
    await until(() => told.length > 1, 'the second update');
    assert.deepStrictEqual(told, [uri, uri]);
}));

test('is told progress and log messages, of the level that it set', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const progress = [], log = [];

    client.on('notifications/message', (n) => { log.push(n.params.data); });
    await client.setLoggingLevel('error');
    await client.tool('test_tool_with_logging', {});
    await client.setLoggingLevel('debug');
    await client.tool('test_tool_with_logging', {});
    await client.tool('test_tool_with_progress', {},
                      { onprogress: (p) => progress.push(p.progress) });
    assert.deepStrictEqual(log, ['Tool execution started', 'Tool processing data',
                                 'Tool execution completed']);
    assert.deepStrictEqual(progress, [0, 50, 100]);
}));

test('answers a form, declines one, and answers for its model', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const answers = [{ action: 'accept', content: { response: 'yes' } }, { action: 'decline' }];
    const forms = [];

    client.on('elicitation/create', (request) => {
        forms.push(request.params);
        return answers.shift();
    });
    client.on('sampling/createMessage', (request) => ({
        role: 'assistant', model: 'none',
        content: { type: 'text', text: `${request.params.messages[0].content.text}, again` },
    }));
    const accepted = await client.tool('test_elicitation', { message: 'Well?' });
    const declined = await client.tool('test_elicitation', { message: 'Well?' });
    const sampled = await client.tool('test_sampling', { prompt: 'hello' });

    assert.match(text(accepted), /action=accept, content=\{"response":"yes"\}/);
    assert.match(text(declined), /action=decline/);
    assert.strictEqual(forms[0].message, 'Well?');
    assert.deepStrictEqual(forms[0].requestedSchema.required, ['response']);
    assert.strictEqual(text(sampled), 'LLM response: hello, again');
}, { elicitation: {}, sampling: {} }));

test('sends its user to pages, and is told when the server is done with them', (kind) =>
     visit(kind, 'tests/asks', async (client) => {
    const pages = [], done = [];

    client.on('elicitation/create', (request) => {
        pages.push(request.params);
        return { action: 'accept' };
    });
    client.on('notifications/elicitation/complete', (n) => { done.push(n.params.elicitationId); });
    assert.strictEqual(text(await client.tool('page', {})), 'accepted');
    await until(() => done.length === 1, 'the end of the first page');
    assert.strictEqual(pages[0].mode, 'url');
    assert.match(pages[0].url, /^https:\/\/pay\.example\//);

    const wanted = await client.tool('guarded', { name: 'Ada' }).catch((error) => error);
    assert.strictEqual(wanted.code, -32042);
    assert.strictEqual(wanted.data.elicitations[0].url, 'https://login.example/');
    await client.tool('visited', { name: 'Ada' });
    await until(() => done.length === 2, 'the end of the second page');
    assert.deepStrictEqual(done, [pages[0].elicitationId, wanted.data.elicitations[0].elicitationId]);
    assert.strictEqual(text(await client.tool('guarded', { name: 'Ada' })), 'welcome, Ada');
}, { elicitation: { url: {} } }));

test('tells its roots, and lends its model with tools', (kind) =>
     visit(kind, 'tests/asks', async (client) => {
    const roots = [{ uri: 'file:///home/ada', name: 'home' }];
    const use = { type: 'tool_use', id: '1', name: 'weather', input: { city: 'Paris' } };
    const params = { messages: [{ role: 'user', content: { type: 'text', text: 'Well?' } }],
                     maxTokens: 10,
                     tools: [{ name: 'weather', inputSchema: { type: 'object' } }] };
    const offered = [];

    client.on('roots/list', () => ({ roots }));
    client.on('sampling/createMessage', (request) => {
        offered.push(request.params.tools[0].name);
        return { role: 'assistant', model: 'none', stopReason: 'toolUse', content: [use] };
    });
    assert.deepStrictEqual(JSON.parse(text(await client.tool('roots', {}))), roots);
    const answer = JSON.parse(text(await client.tool('model', { params })));
    assert.deepStrictEqual(answer.content[0], use);
    assert.deepStrictEqual(offered, ['weather']);
}, { roots: {}, sampling: { tools: {} } }));

test('tells when its roots change, and is asked for them', (kind) =>
     visit(kind, 'tests/asks', async (client) => {
    let roots = [{ uri: 'file:///old' }];

    client.on('roots/list', () => ({ roots }));
    assert.deepStrictEqual(JSON.parse(text(await client.tool('roots', {}))), roots);
    roots = [{ uri: 'file:///new' }];
    await client.sendRootsListChanged();
    assert.deepStrictEqual(JSON.parse(text(await client.tool('known', {}))), roots);
}, { roots: { listChanged: true } }));

test('goes through all pages of a list', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const all = [];
    let cursor, n = 0;

    do {
        const page = await client.listTools({ cursor });
        all.push(...names(page.tools));
        cursor = page.nextCursor;
        n++;
    } while (cursor);
    /* the SDK 2.x goes through them by itself */
    assert.strictEqual(n, subject === 'sdk2' ? 1 : Math.ceil(all.length / 5));
    assert(all.length > 5);
    assert.strictEqual(new Set(all).size, all.length);
    assert(all.includes('test_simple_text') && all.includes('peek'));
}, {}, { DMCP_PAGE: '5' }));

test('sees tools come and go', (kind) =>
     visit(kind, 'tests/changing', async (client) => {
    const one = { kind: 'tool', name: 'new_one' };
    let n = 0;

    client.on('notifications/tools/list_changed', () => { n++; });
    assert(!names((await client.listTools()).tools).includes('new_one'));
    await client.tool('offer', one);
    await until(() => n === 1, 'the notification');
    assert(names((await client.listTools()).tools).includes('new_one'));
    assert.strictEqual(text(await client.tool('new_one', {})), 'this is new_one');
    await client.tool('withdraw', one);
    await until(() => n === 2, 'the second notification');
    await assert.rejects(client.tool('new_one', {}), { code: -32602 });
}));

test('gives up a call, whose steps end there', async (kind) => {
    const server = await kind.started('tests/gates');
    const client = await kind.connect(server);
    const giveUp = new AbortController();
    const call = walk(client, server, { signal: giveUp.signal });

    await until(() => server.count('x 2') === 1, 'the second step');
    giveUp.abort('enough');
    await assert.rejects(call);
    await until(() => server.calls()[0].is_cancelled, 'the cancellation');
    server.openGate();
    await until(() => server.calls()[0].outcome === 'cancelled', 'the end of the call');
    assert.deepStrictEqual([1, 2, 3].map((i) => server.count(`x ${i}`)), [1, 1, 0]);
    await client.ping();
    await client.close();
    await server.kill();
});

test('that cannot be asked is not, and the tool says so', (kind) =>
     visit(kind, 'tests/everything', async (client) => {
    const asked = await client.tool('test_elicitation', { message: 'Well?' });

    assert(asked.isError);
    assert.match(text(asked), /elicitation/);
}));

/* ---- when the server dies ---- */

test('finds what it did after the server was killed, in the same session', async (kind) => {
    const server = await kind.started('examples/audit-server', twice);
    const client = await kind.connect(server);

    await client.tool('create_user', { name: 'Ada', email: 'ada@example.org' });
    await server.crash();
    const log = await client.tool('get_audit_log', { log_name: 'user_operations' });
    assert.strictEqual(log.structuredContent.count, 1);
    await client.close();
    await server.kill();
});

test('comes back by itself when the server is killed within its call, and gets the one answer',
     async (kind) => {
    const server = await kind.started('tests/gates');
    const client = await kind.connect(server);
    const answer = walk(client, server);

    await until(() => server.count('x 2') === 1, 'the second step');
    await server.settle(); /* else it may have begun no stream that can be resumed */
    await server.crash();
    server.openGate();
    assert.deepStrictEqual((await answer).structuredContent, allOk);
    assert.deepStrictEqual([1, 2, 3].map((i) => server.count(`x ${i}`)), [1, 2, 1]);
    await client.close();
    await server.kill();
});

/* The SDK forgets who asked for progress as soon as the answer is there: what comes with it, in one
 * piece from a pipe, it does not pass on. So this looks at what it got. */
function progressThatCame(client) {
    const pass = client.transport.onmessage;
    const came = [];

    client.transport.onmessage = (message, extra) => {
        if (message.method === 'notifications/progress')
            came.push(message.params.progress);
        pass(message, extra);
    };
    return came;
}

test('is told each step of progress once, though the server is killed in between', async (kind) => {
    const server = await kind.started('tests/gates');
    const client = await kind.connect(server);
    const told = [];
    const came = progressThatCame(client);
    const answer = client.tool('emit', { n: 6, at: 3, gate: server.path('gate') },
                               { onprogress: (p) => told.push(p.progress) });

    await until(() => told.length === 3, 'the third step');
    await server.crash();
    server.openGate();
    assert.deepStrictEqual((await answer).structuredContent, { result: 6 });
    assert.deepStrictEqual(came, [1, 2, 3, 4, 5, 6]);
    assert.deepStrictEqual(told, came.slice(0, told.length));
    assert(isPiped || told.length === 6);
    await client.close();
    await server.kill();
});

test('hears on its own stream that the tools changed, also after a restart', async (kind) => {
    const server = await kind.started('tests/gates');
    const client = await kind.connect(server);
    let n = 0;

    client.on('notifications/tools/list_changed', () => { n++; });
    await client.tool('emit', { n: 1, kind: 'changed' });
    await until(() => n === 1, 'the first notification');
    await server.crash();
    await client.tool('emit', { n: 1, kind: 'changed' });
    await until(() => n === 2, 'the second notification');
    await client.close();
    await server.kill();
});

test('answers the question of a server that is killed meanwhile', async (kind) => {
    const server = await kind.started('tests/torture');
    const client = await kind.connect(server, { capabilities: { elicitation: {} } });
    const asked = [];
    let answerFirst;

    client.on('elicitation/create', (request) => {
        asked.push(request.params.message);
        return asked.length === 1 ? new Promise((resolve) => { answerFirst = resolve; })
                                  : { action: 'accept', content: { ok: true } };
    });
    const answer = client.tool('run', { id: 'q', log: server.path('log'),
                                        steps: [{ alias: 'ask', guard: 'elicit' },
                                                { alias: 'last', guard: 'at_most_once' }] });
    await until(() => asked.length === 1, 'the question');
    await server.crash();
    if (subject === 'stdio') /* who did not see it is not asked again */
        answerFirst({ action: 'accept', content: { ok: true } });
    const { steps } = (await answer).structuredContent;
    assert.deepStrictEqual(steps.map((s) => s.outcome), ['ok', 'ok']);
    assert.strictEqual(asked.length, subject === 'stdio' ? 1 : 2);
    assert.strictEqual(server.count('q last'), 1);
    answerFirst({ action: 'cancel' }); /* too late: nobody waits for it */
    await client.close();
    await server.kill();
});

/* ---- what only a client with a session of its own can do ---- */

const testOwn = (sentence, run) => { if (!isPiped) test(sentence, run); };

testOwn('resumes a call of a client that is gone with its resumption token', async (kind) => {
    const server = await kind.started('tests/gates');
    const first = await kind.connect(server);
    let token;

    walk(first, server, { onresumptiontoken: (t) => { token = t; } }).catch(() => {});
    await until(() => token && server.count('x 2') === 1, 'the token');
    await first.close();
    await server.crash();
    server.openGate();
    const second = await kind.connect(server, { session: first.session });
    const answer = await walk(second, server, { resumptionToken: token });
    assert.deepStrictEqual(answer.structuredContent, allOk);
    assert.deepStrictEqual([1, 3].map((i) => server.count(`x ${i}`)), [1, 1]);
    await second.close();
    await server.kill();
});

testOwn('closes its session, which is gone then', async (kind) => {
    const server = await kind.started('tests/gates');
    const client = await kind.connect(server);

    await client.transport.terminateSession();
    const again = await kind.connect(server, { session: client.session });
    await assert.rejects(again.ping(), (error) => (error.status ?? error.code) === 404);
    await client.close();
    await again.close();
    assert.strictEqual(await server.kill('SIGTERM'), 0);
});

if (subject === 'sdk2')
    test('finds out by itself how a server wants to be spoken to, by HTTP and by stdio',
         (kind) => visit(kind, 'tests/everything', async (client, server) => {
        for (const isPiped of [false, true]) {
            const unknowing = await kind.connectUnknowing(server, isPiped);
            const sum = await unknowing.callTool({ name: 'add', arguments: { a: 5, b: 3 } });

            assert.strictEqual(text(sum), '8');
            await unknowing.close();
        }
    }));

main(subject, new { sdk: Sdk1, sdk2: Sdk2, stdio: Stdio, remote: Remote }[subject](dir, sdkDir));
