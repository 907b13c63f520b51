/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call is while one attempt of it runs, and what the files of this folder lend each other.
 *
 * One thread owns a call, from call_open to call_close. Everything that a handler gets from it
 * lives in its arena or in its document and dies with it.
 *
 * Codes that end an attempt (the store failed, the server stops, the engine does not know the
 * call any more) are sticky: the first one poisons the call, every later function that would
 * record something returns it again at once, and the attempt has no outcome.
 */
#ifndef CALL_INTERNAL_H
#define CALL_INTERNAL_H

#include "call/call.h"
#include "store/records.h"

struct json_writer;

enum value_kind { VALUE_NOW, VALUE_RANDOM, VALUE_UUID7, N_VALUE_KINDS };

enum scope_kind { SCOPE_HANDLER, SCOPE_ITERATION, SCOPE_BODY, SCOPE_CONDITION };

/* What tells apart the things done by one piece of the author's code: by the handler, by one
 * iteration of a loop, by one run of a step's body or of a condition. A body that is tried again
 * gets a new one, so that it finds in the journal what its first run left there instead of being
 * told that it repeats itself. */
struct scope {
    enum scope_kind kind;
    struct str alias; /* the author's, of the step, the loop, the condition; empty for the handler */
    struct scope *outer;
    struct hmap used; /* whole journal aliases */
    unsigned n_values[N_VALUE_KINDS]; /* how many of a kind were asked for */
    unsigned n_sleeps;
    struct buf *reads; /* of a condition: the ranges of map keys that it reads, of watch_record */
};

/* A row of the journal. */
struct entry {
    uint8_t guard, state;
    struct str body;
    struct str label; /* this and the digest only when it was read from the store */
    struct id digest;
};

struct reply {
    bool is_set, is_error;
    bool is_wrapped;            /* structured is {"result": v}, the text shows v */
    yyjson_mut_val *structured; /* NULL for an error */
    struct str text;            /* of an error */
    struct str meta;            /* of the result: object text; absent for none */
    struct str block_annotations, block_meta; /* of the next block; the same */
    struct buf blocks;          /* JSON texts with commas between them */
    dmcp_role role;             /* of a prompt's next message */
    size_t n_suggestions;       /* of a completion; the first ones stand in blocks */
    size_t n_blocks;
};

/* A second run of what has just succeeded: it finds what the first one recorded, and may record
 * nothing. See validate.c. */
struct rerun {
    const char *what;                  /* for texts: `tool "x"`, `step "y" of tool "x"` */
    const char *place;                 /* the same, or for all iterations of a loop: its own */
    const struct hmap *first, *second; /* the aliases that the runs used */
    const char *difference;            /* the first one that was found; NULL */
    unsigned n_steps;                  /* of the call, before it */
    bool was_fresh;                    /* the same */
};

struct dmcp_call {
    struct call_env *env;
    struct waiter *waiter;
    const struct run *run; /* NULL outside of tools */
    enum call_mode mode;
    const struct call_handler *handler;
    struct id id;
    char id_hex[ID_HEX_BYTES + 1];
    char session_name[ID_HEX_BYTES + 1]; /* empty until it is asked for */
    const char *tool_name;
    struct arena arena;
    yyjson_mut_doc *doc;
    dmcp_value *args;
    struct str uri;            /* of a resource */
    struct str progress_token; /* raw JSON; absent when the client wants no progress */

    char *error_text; /* owned */
    int error_code;
    unsigned n_errors;
    int poison; /* DMCP_OK, or the code that ended this attempt */

    struct hmap recorded; /* journal alias -> struct entry, by this attempt */
    struct scope root, *scope;
    struct str prefix; /* of all journal aliases in an iteration; empty in the handler */
    bool is_fresh;     /* no earlier attempt came as far as here */
    bool is_yielding;  /* suspended, but for nothing: to be run again at once */
    bool is_dirty;     /* something was recorded, or read, that may not be durable */
    unsigned n_steps;

    struct rerun *rerun;    /* NULL: this is no second run */
    bool is_refuted;        /* a second run differed, and the call fails with that */
    struct hmap failed;     /* alias -> what failed in this attempt and has no row that says so; of
                             * validate.c, and only kept for it */

    struct reply reply;
    struct buf pages; /* that come first: JSON objects with commas between them */
    struct dmcp_batch *batches; /* all that were made, or since the iteration began; to be freed */
};

/* ---- call.c ---- */

void call_open(dmcp_call *call, struct call_env *env, struct waiter *waiter, enum call_mode mode);
void call_close(dmcp_call *call);

/* Reads the parameters of tools/call: the arguments with fallbacks, and the progress token. */
int call_read_params(dmcp_call *call) MUST_CHECK;

static inline bool call_is_journaled(const dmcp_call *call)
{
    return call->mode == CALL_JOURNALED;
}

/* Of what kind its handler is; a tool's outside of any. */
static inline enum call_method call_method(const dmcp_call *call)
{
    return call->run ? call->run->tool->method : CALL_TOOL;
}

static inline bool call_is_in_body(const dmcp_call *call)
{
    return call->scope->kind == SCOPE_BODY || call->scope->kind == SCOPE_CONDITION;
}

/* Sets the call's error text; returns the code. */
int call_fail(dmcp_call *call, int code, const char *fmt, ...) PRINTF(3, 4);
int call_vfail(dmcp_call *call, int code, const char *fmt, va_list ap) PRINTF(3, 0);

/* DMCP_E_DIVERGED, with what may be the reason behind the text. */
int call_fail_diverged(dmcp_call *call, const char *fmt, ...) PRINTF(2, 3);

/* The same, for a code after which this attempt cannot go on. */
int call_poison(dmcp_call *call, int code, const char *fmt, ...) PRINTF(3, 4);

/* A command of this call. call_post sends it to the engine, call_ask waits for the answer too
 * and gives its code, with the text set; a code that ends the attempt has poisoned the call. */
struct command *call_command(const dmcp_call *call, enum command_kind kind);
void call_post(dmcp_call *call, struct command *c);
int call_ask(dmcp_call *call, struct command *c) MUST_CHECK;

/* Waits until all that was recorded is durable. */
int call_flush_recorded(dmcp_call *call) MUST_CHECK;

/* A copy in the call's arena, NUL behind it. */
struct str call_dup(dmcp_call *call, struct str s);

/* ---- scope.c ---- */

/* The alias is borrowed until the scope is closed. */
void scope_open(dmcp_call *call, struct scope *s, enum scope_kind kind, struct str alias);
void scope_close(dmcp_call *call, struct scope *s);

/* For error texts: `the body of step "x"`, `tool "y"`. */
const char *scope_place(dmcp_call *call);
const char *call_who(dmcp_call *call);
/* Where an alias may stand once: `this attempt of tool "y"`, `this iteration of loop "l" in tool "y"`. */
const char *call_run_name(dmcp_call *call);

/* ---- journal.c ---- */

/* Aliases that are not a step's own, in the call's arena. They cannot equal a step's, which does
 * not begin with a control character, nor each other, since no part can contain a NUL:
 *
 *   | 01 | kind 1 | alias of the step whose body runs ... | 00 | parts with 00 between them |
 *
 * In an iteration of a loop all of them, and those of steps, stand behind the same prefix:
 *
 *   | 01 | i | alias of the loop ... | 00 | number of the iteration, decimal | 00 |
 */
enum alias_kind {
    ALIAS_VALUE = 'v',
    ALIAS_MAP = 'm',
    ALIAS_BATCH = 'b',
    ALIAS_EVENT = 'e',
    ALIAS_SLEEP = 's',
    ALIAS_RETRY = 'r',
    ALIAS_QUESTION = 'q',
    ALIAS_UNTIL = 'u',
    ALIAS_LOOP = 'l',
    ALIAS_SIGNAL = 'g', /* known outside too: key_signal_alias in store/keys.h */
};
struct str journal_alias(dmcp_call *call, enum alias_kind kind, const struct str *parts,
                         size_t n_parts);

/* Of a step: the author's, behind the prefix. */
struct str journal_step_alias(dmcp_call *call, const char *alias);

/* A name by the author: 1 to LIMIT_ALIAS_BYTES bytes of UTF-8. */
int journal_check_alias(dmcp_call *call, const char *what, const char *alias) MUST_CHECK;

/* Marks an alias as used in this scope. DMCP_E_ALIAS, without a text: it was used before.
 * DMCP_E_TOOBIG: the call has done as much as it may. DMCP_E_MISUSE: in a condition. */
int journal_claim(dmcp_call *call, struct str alias) MUST_CHECK;

/* What is recorded under the alias, in the call's arena; DMCP_E_NOTFOUND. */
int journal_find(dmcp_call *call, struct str alias, struct entry *entry_out) MUST_CHECK;

/* The same from the store, also in a first attempt. */
int journal_read(dmcp_call *call, struct str alias, struct entry *entry_out) MUST_CHECK;

/* This attempt finds it from now on. */
void journal_remember(dmcp_call *call, enum step_guard guard, struct str alias, struct str body);

/* Records a result, without waiting. The label is for people. */
void journal_record(dmcp_call *call, enum step_guard guard, struct str alias, struct str label,
                    struct str body);

/* ---- validate.c ---- */

/* Whether what has just succeeded is to be run a second time: not in a second run itself, nor in a
 * call that is to end, nor in a server that stops. */
bool validate_is_due(const dmcp_call *call);

/* Runs the handler again, whose reply had these parts. DMCP_OK: it did the same, or nobody is to be bothered
 * with it. DMCP_E_DIVERGED: the call is refuted, with the text. Else the call is poisoned. */
int validate_handler(dmcp_call *call, struct str parts) MUST_CHECK;

/* Around any second run. rerun_end judges it, with the same codes: what it returned, and what the
 * runs gave, as JSON texts. What is done in between keeps to the maps of aliases given. */
void rerun_begin(dmcp_call *call, struct rerun *r, const struct hmap *first,
                 const struct hmap *second);
int rerun_end(dmcp_call *call, int code, struct str first, struct str second) MUST_CHECK;

/* In a second run, what was not recorded is about to be: returns what it returned the first time,
 * when it failed then, else notes the difference and ends the run. */
int rerun_unrecorded(dmcp_call *call, struct str alias, const char *what);
int rerun_differs(dmcp_call *call, const char *fmt, ...) PRINTF(2, 3);

/* In a second run: whether this failed in the first one; the error is set again then. */
bool rerun_failed(dmcp_call *call, struct str alias, int *code_out);

/* Keeps a failure for a second run; returns the code. */
int validate_keep(dmcp_call *call, struct str alias, int code);

/* ---- value.c, make.c, pack.c ---- */

static inline yyjson_mut_val *value_mut(const dmcp_value *value)
{
    return (yyjson_mut_val *)(uintptr_t)value;
}

static inline dmcp_value *value_of(yyjson_mut_val *v)
{
    return (dmcp_value *)v;
}

const char *value_type_name(dmcp_type type);
bool value_has_type(const dmcp_value *value, dmcp_type type);
unsigned value_depth(const yyjson_mut_val *v);     /* 0 for a scalar */
void value_forget_places(const yyjson_mut_val *v); /* v was changed; NULL: all are gone */

/* Bytes that are not UTF-8 become U+FFFD, one by one. The text may be in the arena then. */
struct str value_clean(dmcp_call *call, struct str s);
yyjson_mut_val *value_string(dmcp_call *call, struct str s);
yyjson_mut_val *value_integer(dmcp_call *call, int64_t number);
yyjson_mut_val *value_number(dmcp_call *call, double number);
yyjson_mut_val *value_copy(dmcp_call *call, const dmcp_value *value);           /* NULL: null */
void value_put(yyjson_mut_val *object, yyjson_mut_val *key, yyjson_mut_val *v); /* or replaces */

/* Strict JSON to a value of the call. DMCP_E_INVALID, DMCP_E_TOOBIG: the text tells where. */
int value_parse(dmcp_call *call, struct str text, yyjson_mut_val **v_out) MUST_CHECK;

/* dmcp_pack, with its code: DMCP_E_INVALID, DMCP_E_TOOBIG. */
int value_pack(dmcp_call *call, const char *fmt, va_list ap, yyjson_mut_val **v_out) MUST_CHECK;

/* ---- retry.c ---- */

/* A policy with the guard's defaults for what is zero. */
struct dmcp_retry retry_policy(struct dmcp_retry given, unsigned max_attempts);

/* Where a step is with its tries. */
struct tries {
    unsigned n;       /* the number of the one that is next, or that runs, from 1 */
    unsigned n_waits; /* long ones so far, which the journal knows */
};

/* Where it is, after attempts of the call that were suspended between two tries.
 * DMCP_E_SUSPENDED: it is not yet time. DMCP_E_CANCELLED. */
int retry_resume(dmcp_call *call, struct str step, struct tries *tries_out) MUST_CHECK;

/* Waits before the next try, and counts it: a moment in this thread, longer as a suspended call.
 * DMCP_OK: try. DMCP_E_STOPPING, DMCP_E_SUSPENDED, the call poisoned: not in this attempt of the
 * call. */
int retry_wait(dmcp_call *call, const struct dmcp_retry *policy, struct str step,
               struct tries *tries) MUST_CHECK;

/* ---- wait.c ---- */

/* What a wait is for. Messages of a question are made when they are needed. */
struct wait {
    dmcp_call *call;
    const char *what;    /* for error texts: "sleep", "question \"x\"" */
    struct str alias;    /* the journal's */
    uint64_t timeout_ms; /* 0: none */
    struct str body;     /* kept in the row when it is no question; may be absent */
    /* Writes the request with this id; NULL: no question. */
    void (*write_request)(const struct wait *w, struct str id, bool is_again, struct buf *out);
    const void *arg;
    /* What the client must be able to do to be asked: SESSION_*, and its name. */
    uint8_t capability;
    const char *capability_name;
};

/* DMCP_OK: *answer_out is what came, JSON text. DMCP_E_SUSPENDED: the call is poisoned with it.
 * DMCP_E_TIMEOUT, DMCP_E_REMOTE, DMCP_E_CANCELLED, with the text. */
int wait_for(struct wait *w, struct str *answer_out) MUST_CHECK;

/* Whether waiting is possible here at all: DMCP_E_MISUSE with the text. */
int wait_check(dmcp_call *call, const char *what) MUST_CHECK;

int wait_suspend(dmcp_call *call, const char *what); /* poisons the call */
/* Forgets a wait that is not over, and its timer. */
void wait_drop(dmcp_call *call, enum step_guard guard, struct str alias);
int wait_fail_repeated(dmcp_call *call, const char *what); /* DMCP_E_ALIAS with its text */

bool call_is_cancelled(const dmcp_call *call);
int call_fail_cancelled(dmcp_call *call);
const char *call_cancelled_text(dmcp_call *call);

/* ---- page.c ---- */

/* Of the question with this alias (the journal's). Lives as long as the call. */
const char *page_id(dmcp_call *call, struct str alias);
int page_check_url(dmcp_call *call, const char *alias, const char *url) MUST_CHECK;
void page_write(struct json_writer *w, const char *id, const char *url); /* into an object */
struct id page_topic(const char *id); /* what sessions subscribe to, like a resource's digest */
void page_subscribe(dmcp_call *call, const char *id);
void page_write_error(const dmcp_call *call, struct buf *out); /* the object of the JSON-RPC error */

/* ---- reply.c ---- */

/* The result object of the handler's reply. DMCP_E_TOOBIG, DMCP_E_TYPE with the text: it cannot
 * be one. */
int reply_write(dmcp_call *call, struct buf *out) MUST_CHECK;

/* The parts that the handler set, as a JSON array that tells one reply from another. */
void reply_write_parts(dmcp_call *call, struct buf *out);

/* ---- map.c ---- */

struct dmcp_map {
    dmcp_call *call;
    struct str name;
    const char *alias; /* NULL: none */
};

int map_check_name(dmcp_call *call, struct str name) MUST_CHECK;
int map_check_key(dmcp_call *call, const char *key) MUST_CHECK;

/* ---- map_recorded.c: reads with an alias ---- */

struct map_read {
    const dmcp_map *map;
    const char *function;
    struct str question; /* what is asked for, in any words that tell it from others */
};

struct map_answer {
    dmcp_entry *entries; /* and all in it: of the call */
    size_t n;
};

/* DMCP_E_NOTFOUND: nothing is recorded yet: read, and map_record it. */
int map_recall(const struct map_read *r, struct map_answer *a) MUST_CHECK;
int map_record(const struct map_read *r, const struct map_answer *a) MUST_CHECK;
int map_keep_failure(const struct map_read *r, int code); /* for a second run; returns the code */

/* ---- until.c ---- */

/* A condition reads these keys of a map. */
void until_note_read(dmcp_call *call, const struct range *range);

/* ---- map_write.c ---- */

void batch_free_all(dmcp_call *call);

/* ---- uuid.c ---- */

struct id uuid_new(void);

#endif
