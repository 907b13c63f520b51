/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC batches, which only the revision 2025-03-26 has: many messages in one POST.
 *
 * Each message is an exchange of its own, a part, and is served as if it had come alone; so each
 * request of a batch is its own call with its own stream. What the parts say goes to one peer:
 *
 *     every part is over, none has opened a stream    a JSON array of the answers, in the order of
 *                                                     their requests; 202 when there are none;
 *                                                     events, if the client prefers them
 *     a part opens its stream                         the whole is a stream from now on: the answers
 *                                                     that are there, then events and answers of
 *                                                     all parts as they come
 *
 * The id of an event says where every call is that was not answered before: its place in the stream
 * of its own call, and then those of the others, as event_id.h writes them, with a "+" in between.
 * So Last-Event-ID continues all of them, on one stream, and nothing is kept for that. A client that
 * has no such id sends the batch again: every request in it attaches to its call.
 *
 * On a pipe a batch is as many messages, and each is answered in a line of its own.
 * Source: MCP 2025-03-26, basic, "Batching"; transports, "Sending Messages to the Server".
 */
#include "mcp/event_id.h"
#include "mcp/internal.h"

struct message_batch {
    struct list parts; /* in the order of the messages */
    size_t n_open;     /* of these, not DONE */
    int refusal;       /* of a GET: why a part cannot be continued */
};

static struct exchange *part_of(struct link *k)
{
    return k ? CONTAINER_OF(k, struct exchange, link) : NULL;
}

static struct exchange *first_part(const struct exchange *x)
{
    return part_of(list_first(&x->batch->parts));
}

static struct exchange *next_part(const struct exchange *x, const struct exchange *part)
{
    return part_of(list_next(&x->batch->parts, &part->link));
}

/* ---- taking it ---- */

static void refuse(struct endpoint *e, struct exchange *x, const char *text)
{
    exchange_error(e, x, 400, RPC_INVALID_REQUEST, text);
}

void batch_take(struct endpoint *e, struct exchange *x, const struct endpoint_request *r)
{
    size_t n = yyjson_arr_size(yyjson_doc_get_root(x->doc));
    const struct session_info *s;
    char text[128];

    if (n == 0) {
        refuse(e, x, "Invalid Request: the batch is empty");
    } else if (n > LIMIT_BATCH_MESSAGES) {
        snprintf(text, sizeof(text), "Invalid Request: a batch has at most %u messages",
                 LIMIT_BATCH_MESSAGES);
        refuse(e, x, text);
    } else if (!r->session_id.p) {
        refuse(e, x, "Invalid Request: a batch needs a session of the revision 2025-03-26");
    } else if (r->idempotency_key.p) {
        refuse(e, x, "Invalid Request: in a batch, idempotency keys go into each call's _meta");
    } else if (request_session(e, x, r)) {
        s = session_lookup(e, x);
        if (s) {
            batch_begin(e, x, s);
        }
    }
}

/* They share what may be on its way to the peer. */
static void add_parts(struct endpoint *e, struct exchange *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct exchange *part = exchange_new(e, NULL, x->method);

        list_remove(&e->open, &part->link);
        part->whole = x;
        part->session = x->session;
        part->version = x->version;
        part->has_session = true;
        part->credit = STREAM_CREDIT / n;
        list_append(&x->batch->parts, &part->link);
    }
    x->batch->n_open = n;
}

/* An id is used once: the answers could not be told apart. */
static bool has_twins(const struct exchange *x)
{
    for (struct exchange *a = first_part(x); a; a = next_part(x, a)) {
        for (struct exchange *b = next_part(x, a); b && a->request_id.p; b = next_part(x, b)) {
            if (b->request_id.p && str_eq(a->request_id, b->request_id)) {
                return true;
            }
        }
    }
    return false;
}

static void begin_part(struct endpoint *e, struct exchange *part)
{
    const struct rpc_message *m = part->message;

    if (m->kind == RPC_REQUEST && str_eq(m->method, STR("initialize"))) {
        refuse(e, part, "Invalid Request: initialize cannot be part of a batch");
    } else {
        /* asked for each time: a message may change it */
        post_continue(e, part, session_cache_get(&e->sessions, part->session));
    }
}

/* All are read before any is begun: a batch whose messages cannot be told apart does nothing. */
static void begin_parts(struct endpoint *e, struct exchange *x, yyjson_val *messages)
{
    struct exchange *part = first_part(x);
    size_t i, n;
    yyjson_val *message;

    yyjson_arr_foreach(messages, i, n, message)
    {
        (void)post_parse(e, part, message); /* else its answer is there */
        part = next_part(x, part);
    }
    if (x->state != EXCHANGE_DONE && has_twins(x)) {
        refuse(e, x, "Invalid Request: two requests of the batch have the same id");
    }
    for (part = first_part(x); part; part = next_part(x, part)) {
        if (part->state == EXCHANGE_NEW) {
            begin_part(e, part);
        }
    }
}

/* On a pipe the messages of a batch go each its own way, as if each had come in a line. So each is
 * kept for the next life of the server until it is answered itself. */
static void split(struct endpoint *e, struct exchange *x)
{
    yyjson_val *message;
    struct buf lines;
    size_t i, n;

    buf_init(&lines, SIZE_MAX / 2);
    yyjson_arr_foreach(yyjson_doc_get_root(x->doc), i, n, message)
    {
        json_write(&lines, message);
        buf_addc(&lines, '\n');
    }
    exchange_move(e, x, EXCHANGE_DONE);
    e->ops.split(x->x, buf_str(&lines));
    buf_fini(&lines);
}

void batch_begin(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    yyjson_doc *doc = x->doc;

    if (s->version != VERSION_2025_03_26) {
        refuse(e, x, "Invalid Request: batches are not part of this protocol version");
        return;
    }
    if (e->config.is_pipe) {
        split(e, x);
        return;
    }
    x->doc = NULL; /* the parts read from it until they are begun */
    x->batch = mem_zalloc(sizeof(*x->batch));
    list_init(&x->batch->parts);
    exchange_move(e, x, EXCHANGE_ENGINE);
    add_parts(e, x, yyjson_arr_size(yyjson_doc_get_root(doc)));
    begin_parts(e, x, yyjson_doc_get_root(doc));
    yyjson_doc_free(doc);
}

/* ---- answering it ---- */

/* The answers that are there come first. */
static void open_stream(struct endpoint *e, struct exchange *x)
{
    static const struct id none;

    exchange_open_stream(e, x);
    e->ops.stream_event(x->x, STR_NONE, 0, STR_NONE, e->config.retry_ms);
    for (struct exchange *part = first_part(x); part; part = next_part(x, part)) {
        if (part->reply.p) {
            exchange_event(e, x, none, 0, part->reply);
        }
    }
}

/* All is answered, and nothing was sent. */
static void answer_at_once(struct endpoint *e, struct exchange *x)
{
    struct buf body;

    buf_init(&body, SIZE_MAX / 2);
    for (struct exchange *part = first_part(x); part; part = next_part(x, part)) {
        if (part->reply.p) {
            buf_addc(&body, body.len == 0 ? '[' : ',');
            buf_add_str(&body, part->reply);
        }
    }
    if (body.len == 0) {
        exchange_respond(e, x, 202, STR_NONE);
    } else if (x->prefers_stream) {
        open_stream(e, x);
        exchange_end_stream(e, x);
    } else {
        buf_addc(&body, ']');
        exchange_respond(e, x, 200, buf_str(&body));
    }
    buf_fini(&body);
}

static void part_over(struct endpoint *e, struct exchange *part)
{
    struct exchange *x = part->whole;

    exchange_move(e, part, EXCHANGE_DONE);
    x->batch->n_open--;
    if (x->batch->n_open > 0) {
        return;
    }
    if (x->state == EXCHANGE_STREAM) {
        exchange_end_stream(e, x);
    } else if (x->method == ENDPOINT_GET) {
        exchange_refuse(e, x, x->batch->refusal, STR("Last-Event-ID names no event of this session"));
    } else {
        answer_at_once(e, x);
    }
}

void batch_part_reply(struct endpoint *e, struct exchange *part, struct str body)
{
    static const struct id none;
    struct exchange *x = part->whole;

    part->is_answered = true;
    if (body.len > 0 && x->state == EXCHANGE_STREAM) {
        exchange_event(e, x, none, 0, body);
    } else if (body.len > 0) {
        part->reply = str_make(mem_dup(body.p, body.len), body.len);
    }
    part_over(e, part);
}

bool batch_part_refuse(struct endpoint *e, struct exchange *part, int code, struct str text)
{
    struct exchange *x = part->whole;

    switch (code) {
    case DMCP_E_GONE:
    case DMCP_E_NOTFOUND:
    case DMCP_E_CONFLICT:
    case DMCP_E_BUSY:
        if (x->method != ENDPOINT_GET) {
            return false;
        }
        x->batch->refusal = code; /* the others may go on */
        part_over(e, part);
        return true;
    default:
        break;
    }
    if (x->state == EXCHANGE_STREAM) {
        part_over(e, part); /* without an answer: the client comes back and is told then */
    } else {
        exchange_refuse(e, x, code, text);
    }
    return true;
}

void batch_part_open_stream(struct endpoint *e, struct exchange *part)
{
    exchange_move(e, part, EXCHANGE_STREAM);
    if (part->whole->state != EXCHANGE_STREAM) {
        open_stream(e, part->whole);
    }
}

void batch_part_end_stream(struct endpoint *e, struct exchange *part)
{
    part_over(e, part);
}

void batch_drained(struct endpoint *e, struct exchange *x)
{
    for (struct exchange *part = first_part(x); part; part = next_part(x, part)) {
        if (part->state != EXCHANGE_DONE) {
            exchange_pay_back(e, part);
        }
    }
}

/* ---- coming back to it ---- */

static void add_place(const struct exchange *part, struct buf *id)
{
    char text[EVENT_ID_BYTES];

    event_id_text(part->stream, part->sent, text);
    buf_addf(id, "%s%s", id->len > 0 ? "+" : "", text);
}

void batch_event_id(const struct exchange *part, struct buf *id)
{
    static const struct id none;
    const struct exchange *x = part->whole;

    add_place(part, id);
    for (const struct exchange *other = first_part(x); other; other = next_part(x, other)) {
        if (other != part && !other->is_answered && !id_eq(other->stream, none)) {
            add_place(other, id);
        }
    }
}

/* Takes the first place off. DMCP_E_INVALID: it is none. */
static int take_place(struct str *id, struct id *stream_out, uint64_t *sent_out)
{
    const char *end = memchr(id->p, '+', id->len);
    struct str one = str_make(id->p, end ? (size_t)(end - id->p) : id->len);

    *id = end ? str_make(end + 1, id->len - one.len - 1) : STR_NONE;
    return event_id_parse(one, stream_out, sent_out);
}

/* How many places there are; 0: it is no such id. */
static size_t count_places(struct str id)
{
    struct id stream;
    uint64_t sent;
    size_t n = 0;

    while (id.len > 0) {
        if (n++ == LIMIT_BATCH_MESSAGES || take_place(&id, &stream, &sent) != DMCP_OK) {
            return 0;
        }
    }
    return n;
}

bool batch_resume(struct endpoint *e, struct exchange *x, const struct session_info *s)
{
    struct str id = x->last_event_id;
    size_t n = count_places(id);

    if (n < 2 || s->version != VERSION_2025_03_26) {
        return false;
    }
    x->batch = mem_zalloc(sizeof(*x->batch));
    list_init(&x->batch->parts);
    exchange_move(e, x, EXCHANGE_ENGINE);
    add_parts(e, x, n);
    for (struct exchange *part = first_part(x); part; part = next_part(x, part)) {
        (void)take_place(&id, &part->stream, &part->sent); /* all are good: they were counted */
        stream_follow_behind(e, part, part->stream, &part->sent);
    }
    return true;
}

/* ---- its end ---- */

void batch_drop(struct endpoint *e, struct exchange *x)
{
    for (struct exchange *part = first_part(x); part; part = next_part(x, part)) {
        if (part->state != EXCHANGE_DONE && part->is_follower) {
            e->ops.post(e->ops.arg, endpoint_command(part, CMD_UNFOLLOW));
        }
        if (part->state != EXCHANGE_DONE) {
            exchange_move(e, part, EXCHANGE_DONE);
        }
    }
    x->batch->n_open = 0;
}

void batch_free(struct endpoint *e, struct exchange *x)
{
    struct link *k;

    while ((k = list_pop(&x->batch->parts))) {
        exchange_free(e, part_of(k));
    }
    mem_free(x->batch);
}
