/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durable-mcp: Model Context Protocol servers whose tool calls survive crashes, restarts and lost
 * connections.
 *
 * A server is a table of tools and a call to dmcp_server_main. A tool is a blocking C function,
 * the handler, that gets a call. When the process dies in the middle of it, the handler is run
 * again from its top after the restart; whatever it did through this header is in the call's
 * journal by then and is not done twice. So a handler must do the same things in the same order
 * for the same arguments, and ask the journal (dmcp_now, dmcp_random, a step) for whatever may
 * differ from one run to the next. A server that is started with --validate-effects finds handlers that
 * do not.
 *
 * Functions return DMCP_OK or a negative DMCP_E_* code (dmcp_error.h). In a handler, pass an
 * error on with DMCP_TRY: some codes mean "return now, you will be run again", and a handler that
 * has seen one of them is run again whatever it returns.
 *
 * Each function is described under the same headings. What holds for most is said once, here:
 *   Arguments  strings end in NUL and are UTF-8; a name has 1 to 128 bytes, an alias 1 to 256,
 *              and an alias does not begin with a control character.
 *   Lifetime   arguments are borrowed until the function returns; what a call hands out (values,
 *              strings, bytes) belongs to the call and dies when its handler returns.
 *   Thread     a call belongs to the thread that runs its handler; a server to the thread that
 *              made it, until dmcp_server_main, and from then on to all that add and remove.
 *   Durability what a crash right after the function returned leaves behind.
 *   Errors     those worth telling apart. Any function that records something may also return
 *              DMCP_E_STOPPING, DMCP_E_STORE, DMCP_E_FULL, DMCP_E_CORRUPT or DMCP_E_GONE: return
 *              it from the handler. A bad name, alias or size is DMCP_E_INVALID or DMCP_E_TOOBIG.
 *   Source     where the rule comes from, when it is not ours.
 * Out of memory ends the process (the server restarts and the calls go on).
 */
#ifndef DMCP_H
#define DMCP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dmcp_error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dmcp_server dmcp_server;
typedef struct dmcp_call dmcp_call;
typedef struct dmcp_value dmcp_value; /* a JSON value that belongs to its call */
typedef struct dmcp_map dmcp_map;     /* a SortedMap as one call sees it */
typedef struct dmcp_batch dmcp_batch;

/* Returns from the enclosing function when the expression is not DMCP_OK. */
#define DMCP_TRY(expression)                                                                       \
    do {                                                                                           \
        int dmcp_rc_ = (expression);                                                               \
        if (dmcp_rc_ != DMCP_OK)                                                                   \
            return dmcp_rc_;                                                                       \
    } while (0)

/* ------------------------------------------------------------------------------------------ */
/* Tools                                                                                      */
/* ------------------------------------------------------------------------------------------ */

typedef enum dmcp_type {
    DMCP_ANY = 0,
    DMCP_NULL,
    DMCP_BOOLEAN,
    DMCP_INTEGER, /* fits in 64 bits */
    DMCP_NUMBER,  /* any number, an integer too */
    DMCP_STRING,
    DMCP_ARRAY,
    DMCP_OBJECT
} dmcp_type;

/* An icon of a server, tool, prompt, resource or link. A list of them ends with an entry without a
 * source. */
typedef struct dmcp_icon {
    const char *src;   /* an https:, http: or data: URI */
    const char *mime;  /* like "image/png"; NULL when the source tells */
    const char *sizes; /* "48x48 96x96", or "any"; NULL for any */
    const char *theme; /* "light" or "dark", the background that it is made for; NULL for both */
} dmcp_icon;

/* One argument of a tool. A list of them ends with an entry without a name. */
typedef struct dmcp_param {
    const char *name;
    dmcp_type type;
    const char *description;
    bool required;
    const char *fallback; /* for an argument left out: the text for DMCP_STRING, else JSON text */
    const char *schema;   /* more JSON Schema keywords, an object's text: "{\"minimum\":0}" */
} dmcp_param;

typedef enum dmcp_durability {
    DMCP_DURABLE = 0, /* the call survives; its answer is on disk before it is sent */
    DMCP_EPHEMERAL    /* for tools that only read: no disk, no journal, lost with the process */
} dmcp_durability;

/* The handler: returns DMCP_OK after a dmcp_reply..., or an error, which becomes a tool error
 * (`isError`) with the text given to dmcp_fail. */
typedef int dmcp_handler_fn(dmcp_call *call);

/* Everything is copied when the tool is added, except `context`, which the handler gets from
 * dmcp_call_context. */
typedef struct dmcp_tool {
    const char *name;        /* 1 to 128 of A-Z a-z 0-9 _ - . */
    const char *title;       /* for people; may be NULL */
    const char *description; /* for the model */
    const dmcp_param *params;  /* the typed arguments, or NULL for none */
    const char *input_schema;  /* instead of params: a JSON Schema 2020-12 object's text */
    const char *output_schema; /* of structured results, or NULL */
    const char *annotations;   /* JSON object text, or NULL: title, readOnlyHint, destructiveHint,
                                * idempotentHint, openWorldHint */
    const char *meta;          /* JSON object text for `_meta`, or NULL */
    dmcp_handler_fn *handler;
    void *context;
    dmcp_durability durability;
    uint64_t timeout_ms; /* of a durable call, waiting included; 0 for none. When it is over the
                          * handler is told as if the call was cancelled (dmcp_cancelled). If it
                          * then returns DMCP_E_CANCELLED, the client gets the tool error "timed
                          * out after N ms"; what else it returns is delivered as always */
    const dmcp_icon *icons; /* or NULL */
} dmcp_tool;

/*
 * Makes a server that announces itself under this name and version.
 * Arguments: name and version as they appear in `serverInfo`.
 * Lifetime: free it with dmcp_server_free, or give it to dmcp_server_main, which frees it.
 * Thread: any.
 * Durability: nothing is stored yet.
 * Errors: none.
 * Source: MCP, lifecycle, initialization.
 */
DMCP_API dmcp_server *dmcp_server_new(const char *name, const char *version);

/*
 * Frees a server that was not given to dmcp_server_main.
 * Arguments: server may be NULL.
 * Lifetime: the handle is gone.
 * Thread: the one that made it.
 * Durability: none.
 * Errors: none.
 */
DMCP_API void dmcp_server_free(dmcp_server *server);

typedef enum dmcp_list { DMCP_TOOLS, DMCP_PROMPTS, DMCP_RESOURCES } dmcp_list;

/* What people are shown of a server besides its name and version; all of it may be NULL. */
typedef struct dmcp_info {
    const char *title;
    const char *description;
    const char *website; /* its URL */
    const dmcp_icon *icons;
} dmcp_info;

/*
 * Sets what people are shown of the server.
 * Arguments: see dmcp_info.
 * Lifetime: copied.
 * Thread: before dmcp_server_main.
 * Durability: none.
 * Errors: DMCP_E_INVALID for an icon that is none; dmcp_server_main reports it too.
 * Source: MCP 2025-11-25, schema, Implementation.
 */
DMCP_API int dmcp_server_set_info(dmcp_server *server, const dmcp_info *info);

/*
 * Sets the text that tells a model how to use this server.
 * Arguments: any length.
 * Lifetime: copied.
 * Thread: before dmcp_server_main.
 * Durability: none.
 * Errors: none.
 * Source: MCP, `instructions` of the initialize result.
 */
DMCP_API void dmcp_server_set_instructions(dmcp_server *server, const char *instructions);

/*
 * Adds a tool, also while the server runs. All clients are then told that the list of tools has
 * changed: those that listen at once (several changes within a moment as one), others when they
 * listen again.
 * Arguments: see dmcp_tool.
 * Lifetime: the definition is copied.
 * Thread: any. From dmcp_server_main on it has to be one of the process that serves: a handler's, a
 *   start function's, or one that these have started.
 * Durability: none: after a restart there is what the program adds again. What comes and goes at
 *   run time can be kept in a map, and added by a start function. An unfinished call whose tool is
 *   not there waits for it: until it is added, or a server that has it is started.
 * Errors: DMCP_E_CONFLICT when there is a tool of this name, as a handler that is run again may
 *   find; DMCP_E_INVALID for a bad name, no handler, or a schema or another text that is not what
 *   it should be. Before dmcp_server_main the result may be ignored, since that reports it and does
 *   not start; later the reason of DMCP_E_INVALID is logged.
 * Source: MCP, server features, tools.
 */
DMCP_API int dmcp_add_tool(dmcp_server *server, const dmcp_tool *tool);

/*
 * Removes a tool. Calls of it that run go on to their end; those that wait for something, or for
 * their turn, wait for the tool as well; new ones are refused. Clients are told as by
 * dmcp_add_tool.
 * Arguments: the tool's name.
 * Lifetime: what the tool's context points to may be used until the last of its handlers ended.
 * Thread: as dmcp_add_tool.
 * Durability: none: after a restart the program adds it again, or does not.
 * Errors: DMCP_E_NOTFOUND.
 */
DMCP_API int dmcp_remove_tool(dmcp_server *server, const char *name);

/*
 * Says that there will be tools, prompts or resources, although there are none yet. Clients ask for
 * none of a kind that was not there when their session began and was not expected.
 * Arguments: list.
 * Lifetime: none.
 * Thread: any.
 * Durability: none.
 * Errors: none.
 * Source: MCP, lifecycle, capability negotiation.
 */
DMCP_API void dmcp_server_expect(dmcp_server *server, dmcp_list list);

/*
 * Adds a function that runs at every start, before the first request is taken, with a call that
 * has no arguments and no journal: to fill maps, to check the world outside.
 * Arguments: fn returns DMCP_OK, or an error that stops the start (text by dmcp_fail); context
 *   for dmcp_call_context.
 * Lifetime: context is borrowed until the server ends.
 * Thread: fn runs in a thread of the server.
 * Durability: each map write of fn is durable when it returns.
 * Errors: none.
 */
DMCP_API void dmcp_on_start(dmcp_server *server, dmcp_handler_fn *fn, void *context);

/*
 * Registers what is to be done when a client says that its roots have changed. The function is run as
 * a call in that client's session, once for each time that it says so, with all that a handler of a
 * tool may do. It asks for the roots as they are now by dmcp_list_roots. What it sends and asks goes to
 * the session's own stream; a client that has none open gets it when it opens one, so a question should
 * have a time limit. Its reply goes nowhere; what it found out it keeps in a map, or tells other calls
 * by one (dmcp_until).
 * Arguments: context is what dmcp_call_context gives. One function; before dmcp_server_main.
 * Lifetime: the context must outlast the server.
 * Thread: the caller's; the function runs in a worker.
 * Durability: the call is durable before the client is told that its notification was accepted.
 * Errors: reported by dmcp_server_main.
 * Source: MCP 2025-11-25, client features, roots, "Root List Changes".
 */
DMCP_API void dmcp_on_roots_changed(dmcp_server *server, dmcp_handler_fn *fn, void *context);

/*
 * Runs the server until it is told to stop (SIGTERM, SIGINT): reads the command line, the
 * configuration file and the environment, watches over the process that does the work and starts
 * it again when it crashes. `--help` lists the options. With --stdio it also ends when stdin does,
 * and from here on what the program prints to stdout goes to stderr, and its stdin is empty: print
 * nothing before.
 * Arguments: as given to main.
 * Lifetime: frees the server.
 * Thread: the main thread; handlers run in worker threads of a child process.
 * Durability: calls that were acknowledged and not finished are taken up again at the next start
 *   with the same store.
 * Errors: returns the exit status of the process: 0 after an orderly end, 2 for a bad
 *   configuration or a store that cannot be opened, 1 for anything else. The reason is on stderr.
 */
DMCP_API int dmcp_server_main(dmcp_server *server, int argc, char **argv);

/* ------------------------------------------------------------------------------------------ */
/* Prompts and resources                                                                      */
/* ------------------------------------------------------------------------------------------ */

/* One argument of a prompt, always a text. A list of them ends with an entry without a name. */
typedef struct dmcp_prompt_arg {
    const char *name;
    const char *description;
    bool required;
    const char *title; /* for people; may be NULL */
} dmcp_prompt_arg;

/* Everything is copied when it is added, except `context`. A prompt's handler is a call like a
 * tool's, with guards, maps and waits; each block that it adds (dmcp_add_text ...) is one message,
 * of the role that dmcp_set_role set last. */
typedef struct dmcp_prompt {
    const char *name;
    const char *title;       /* for people; may be NULL */
    const char *description;
    const dmcp_prompt_arg *args; /* or NULL for none */
    const char *meta;            /* JSON object text for `_meta`, or NULL */
    dmcp_handler_fn *handler;
    void *context;
    dmcp_durability durability;
    dmcp_handler_fn *complete; /* suggests values for an argument, see dmcp_suggest; or NULL */
    const dmcp_icon *icons;    /* or NULL */
} dmcp_prompt;

typedef enum dmcp_role { DMCP_USER = 0, DMCP_ASSISTANT } dmcp_role;

/* Everything is copied when it is added, except `context`. A resource's handler is a call like a
 * tool's; what it adds are the resource's contents: dmcp_add_text and dmcp_reply of its own URI
 * and type, dmcp_add_resource_text and dmcp_add_resource_data of any. */
typedef struct dmcp_resource {
    const char *uri;  /* "config://app", or a template, "user://{id}/profile": {id} takes one part
                       * of a path, {+rest} any number of them, {?a,b} parameters of a query.
                       * What they took are the call's arguments, percent-decoded: {id} may
                       * have become "../x". At most 8 variables */
    const char *name;
    const char *title; /* for people; may be NULL */
    const char *description;
    const char *mime;        /* of its contents; "text/plain" when NULL */
    const char *annotations; /* JSON object text, or NULL: audience (an array of "user" and
                              * "assistant"), priority (0 to 1), lastModified (ISO 8601) */
    const char *meta;        /* JSON object text for `_meta`, or NULL */
    dmcp_handler_fn *handler;
    void *context;
    dmcp_durability durability;
    dmcp_handler_fn *complete; /* of a template: suggests values for a variable; or NULL */
    const dmcp_icon *icons;    /* or NULL */
    uint64_t size;             /* of its contents in bytes; 0 when that is not known */
} dmcp_resource;

/*
 * Adds a prompt, or a resource (a template when its URI has braces), also while the server runs.
 * Arguments: see dmcp_prompt and dmcp_resource.
 * Lifetime: the definition is copied.
 * Thread, Durability, Errors: as dmcp_add_tool; a bad template is DMCP_E_INVALID too.
 * Source: MCP, server features, prompts and resources; RFC 6570 for templates.
 */
DMCP_API int dmcp_add_prompt(dmcp_server *server, const dmcp_prompt *prompt);
DMCP_API int dmcp_add_resource(dmcp_server *server, const dmcp_resource *resource);

/*
 * Removes a prompt by its name, a resource or a template by its URI as it was added.
 * Arguments: name, uri.
 * Lifetime, Thread, Durability: as dmcp_remove_tool. Subscriptions to a resource stay, and count
 *   again when it is there again.
 * Errors: DMCP_E_NOTFOUND.
 */
DMCP_API int dmcp_remove_prompt(dmcp_server *server, const char *name);
DMCP_API int dmcp_remove_resource(dmcp_server *server, const char *uri);

/*
 * Sets who says the messages that a prompt's handler adds from now on; the user, until set.
 * Arguments: role.
 * Lifetime: none.
 * Thread: the handler's.
 * Durability: none.
 * Errors: none. Outside of prompts it means nothing.
 * Source: MCP, prompts, PromptMessage.
 */
DMCP_API void dmcp_set_role(dmcp_call *call, dmcp_role role);

/*
 * Suggests a value, in the `complete` function of a prompt or template. That is an ephemeral call
 * with the arguments `argument` (the name of what is completed), `value` (what stands there so
 * far), and `context` (an object of the other arguments, when the client knows them).
 * Arguments: of the suggestions the first 100 are sent. A completion has no other result:
 *   dmcp_reply... and dmcp_add_... are DMCP_E_MISUSE in it.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: none.
 * Errors: none.
 * Source: MCP, server utilities, completion.
 */
DMCP_API void dmcp_suggest(dmcp_call *call, const char *value);

/*
 * The URI that a resource's handler is to read, as the client wrote it.
 * Arguments: the call.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: "" outside of resources.
 */
DMCP_API const char *dmcp_call_uri(const dmcp_call *call);

/* ------------------------------------------------------------------------------------------ */
/* The call                                                                                   */
/* ------------------------------------------------------------------------------------------ */

/*
 * Who and what the call is: its id (32 hexadecimal digits, the same in every attempt), the name
 * of its tool, the context the tool was added with, and the number of this attempt, from 1; and a
 * name for its session, the same in all calls of that session: what is known of a client can be kept
 * under it in a map. It is not the session's id, which nobody else should know.
 * Arguments: the call.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: none. Outside of tools id, tool and session are empty and the attempt is 1.
 */
DMCP_API const char *dmcp_call_id(const dmcp_call *call);
DMCP_API const char *dmcp_call_tool(const dmcp_call *call);
DMCP_API void *dmcp_call_context(const dmcp_call *call);
DMCP_API unsigned dmcp_call_attempt(const dmcp_call *call);
DMCP_API const char *dmcp_call_session(const dmcp_call *call);

/*
 * The server that the call is of, for the functions that add and remove.
 * Arguments: the call.
 * Lifetime: of the process.
 * Thread: any, while the handler runs.
 * Durability: none.
 * Errors: none.
 */
DMCP_API dmcp_server *dmcp_call_server(const dmcp_call *call);

/*
 * The arguments. They were checked against the tool's parameters before the handler was run, and
 * fallbacks are filled in, so a required or defaulted parameter is there and of its type.
 * Arguments: the parameter's name. dmcp_args gives the whole object.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: for an argument that was left out and has no fallback dmcp_arg gives NULL and the
 *   others "", 0, 0.0 and false; so they do for a value of another type.
 */
DMCP_API const dmcp_value *dmcp_args(const dmcp_call *call);
DMCP_API const dmcp_value *dmcp_arg(const dmcp_call *call, const char *name);
DMCP_API const char *dmcp_arg_str(const dmcp_call *call, const char *name);
DMCP_API int64_t dmcp_arg_int(const dmcp_call *call, const char *name);
DMCP_API double dmcp_arg_num(const dmcp_call *call, const char *name);
DMCP_API bool dmcp_arg_bool(const dmcp_call *call, const char *name);

/*
 * Says why a handler or a step body fails, and returns the code, so that it can end in
 * `return dmcp_fail(call, NETWORK_ERROR, "no answer from %s", host);`.
 * Arguments: code is the author's own, positive; fmt as in printf.
 * Lifetime: the text is copied.
 * Thread: the handler's.
 * Durability: none by itself; the guard decides what is recorded.
 * Errors: returns code.
 */
DMCP_API int dmcp_fail(dmcp_call *call, int code, const char *fmt, ...) DMCP_PRINTF(3, 4);

/*
 * The text of the last error in this call: of dmcp_fail, or of a function here that failed.
 * Arguments: the call.
 * Lifetime: until the next error in this call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: "" when nothing failed yet.
 */
DMCP_API const char *dmcp_error_text(const dmcp_call *call);

/* ------------------------------------------------------------------------------------------ */
/* Values                                                                                     */
/* ------------------------------------------------------------------------------------------ */

/*
 * Looks into a value. dmcp_get finds a member of an object, dmcp_at an element of an array,
 * dmcp_key the name of an object's i-th member (its value is dmcp_at). Numbers count by value,
 * however they were written: 3.0 is an integer.
 * Arguments: value may be NULL; it is then of type DMCP_NULL, and empty.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: "", 0, 0.0, false, NULL when the value is of another type or has no such part.
 */
DMCP_API dmcp_type dmcp_value_type(const dmcp_value *value);
DMCP_API const char *dmcp_str(const dmcp_value *value);
DMCP_API size_t dmcp_str_size(const dmcp_value *value); /* bytes; a string may hold NULs */
DMCP_API int64_t dmcp_int(const dmcp_value *value);
DMCP_API double dmcp_num(const dmcp_value *value);
DMCP_API bool dmcp_bool(const dmcp_value *value);
DMCP_API size_t dmcp_count(const dmcp_value *value);
DMCP_API const dmcp_value *dmcp_get(const dmcp_value *object, const char *name);
DMCP_API const dmcp_value *dmcp_at(const dmcp_value *value, size_t index);
DMCP_API const char *dmcp_key(const dmcp_value *object, size_t index);

/*
 * Makes a value by a small format, with white space and commas free:
 *   {name:value, ...}  object; each name and value is a letter that takes one argument
 *   [value, ...]       array
 *   s  const char * (NULL becomes null)     S  const char *, size_t
 *   i  int           I  int64_t             f  double
 *   b  int as boolean                       n  null, takes no argument
 *   v  const dmcp_value * (NULL: null)      j  const char *, raw JSON text
 * for example dmcp_pack(call, "{s:s, s:[i,i]}", "status", "ok", "sizes", 3, 4).
 * Arguments: bytes that are not UTF-8 become U+FFFD; a number that is not finite becomes null.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: NULL for raw JSON text that is not JSON, and for a value nested more than 64 deep
 *   (dmcp_error_text tells); a bad format is a programming error and aborts.
 */
DMCP_API dmcp_value *dmcp_pack(dmcp_call *call, const char *fmt, ...);
DMCP_API dmcp_value *dmcp_string(dmcp_call *call, const char *text);
DMCP_API dmcp_value *dmcp_stringf(dmcp_call *call, const char *fmt, ...) DMCP_PRINTF(2, 3);
DMCP_API dmcp_value *dmcp_integer(dmcp_call *call, int64_t number);
DMCP_API dmcp_value *dmcp_number(dmcp_call *call, double number);
DMCP_API dmcp_value *dmcp_boolean(dmcp_call *call, bool truth);

/*
 * Adds to a value made by the functions above: a member to an object (one of the same name is
 * replaced), an element to an array.
 * Arguments: part NULL adds null. A part is copied.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: DMCP_E_TYPE when the value is no object, or no array; DMCP_E_TOOBIG when it would be
 *   nested more than 64 deep.
 */
DMCP_API int dmcp_object_set(dmcp_call *call, dmcp_value *object, const char *name,
                             const dmcp_value *part);
DMCP_API int dmcp_array_add(dmcp_call *call, dmcp_value *array, const dmcp_value *part);

/*
 * Between values and JSON text.
 * Arguments: dmcp_json_parse takes `size` bytes of strict JSON, nested at most 64 deep.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: dmcp_json_parse gives NULL and a text that names the place.
 */
DMCP_API dmcp_value *dmcp_json_parse(dmcp_call *call, const char *text, size_t size);
DMCP_API const char *dmcp_json_text(dmcp_call *call, const dmcp_value *value);

/*
 * A string made with printf's format that belongs to the call; for aliases and map keys.
 * Arguments: as printf.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: none.
 */
DMCP_API const char *dmcp_format(dmcp_call *call, const char *fmt, ...) DMCP_PRINTF(2, 3);

/* ------------------------------------------------------------------------------------------ */
/* Results                                                                                    */
/* ------------------------------------------------------------------------------------------ */

/*
 * Sets the result: structured content, and the same as text for clients that want text. An object
 * stands for itself; any other value v becomes {"result": v} with v as the text.
 * Arguments: format and arguments as dmcp_pack. A second reply replaces the first.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: none until the handler returns DMCP_OK; then the response leaves only once it is
 *   durable.
 * Errors: DMCP_E_INVALID when a raw JSON text in it is not JSON; DMCP_E_TOOBIG when it is nested
 *   more than 61 deep; DMCP_E_MISUSE in a step's body. A result over 16 MiB, or one that does not
 *   fit the tool's output schema, becomes a tool error when the handler returns.
 * Source: MCP, tools, structured content.
 */
DMCP_API int dmcp_reply(dmcp_call *call, const char *fmt, ...);
DMCP_API int dmcp_reply_value(dmcp_call *call, const dmcp_value *value);

/*
 * Sets a tool error: a result with `isError`, which the model reads and may act on.
 * Arguments: as printf.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: as dmcp_reply.
 * Errors: returns DMCP_OK, since the call as such succeeded; DMCP_E_MISUSE in a step's body.
 * Source: MCP, tools, error handling.
 */
DMCP_API int dmcp_reply_error(dmcp_call *call, const char *fmt, ...) DMCP_PRINTF(2, 3);

/*
 * Adds one block of content to the result: text, an image or audio (encoded here), an embedded
 * resource of text or bytes, a link, or any block as a value. A handler may add as many as it
 * likes, and a dmcp_reply besides; without a reply the blocks alone are the result.
 * Arguments: mime like "image/png"; data of `size` bytes; 16 MiB for the whole result.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: as dmcp_reply.
 * Errors: DMCP_E_MISUSE in a step's body; DMCP_E_TYPE when dmcp_add_block gets no object,
 *   DMCP_E_TOOBIG when that is nested more than 61 deep.
 * Source: MCP, tools, tool result content types.
 */
DMCP_API int dmcp_add_text(dmcp_call *call, const char *fmt, ...) DMCP_PRINTF(2, 3);
DMCP_API int dmcp_add_image(dmcp_call *call, const char *mime, const void *data, size_t size);
DMCP_API int dmcp_add_audio(dmcp_call *call, const char *mime, const void *data, size_t size);
DMCP_API int dmcp_add_resource_text(dmcp_call *call, const char *uri, const char *mime,
                                    const char *text);
DMCP_API int dmcp_add_resource_data(dmcp_call *call, const char *uri, const char *mime,
                                    const void *data, size_t size);
DMCP_API int dmcp_add_link(dmcp_call *call, const char *uri, const char *name, const char *mime);
DMCP_API int dmcp_add_block(dmcp_call *call, const dmcp_value *block);

/* A link to a resource; MCP wants a URI and a name, all else may be NULL or 0. */
typedef struct dmcp_link {
    const char *uri;
    const char *name;  /* the URI when NULL */
    const char *title; /* for people */
    const char *description;
    const char *mime;
    const dmcp_icon *icons;
    uint64_t size; /* of what it leads to, in bytes */
} dmcp_link;

/*
 * Adds a link of which more is to be said.
 * Arguments: see dmcp_link.
 * Lifetime: copied.
 * Thread, Durability: as dmcp_add_link.
 * Errors: as dmcp_add_link; DMCP_E_INVALID for an icon that is none; DMCP_E_MISUSE in a resource.
 * Source: MCP, tools, resource links.
 */
DMCP_API int dmcp_add_link_to(dmcp_call *call, const dmcp_link *link);

/*
 * Sets the annotations, or the `_meta`, of the block that is added next, and of no other.
 * Arguments: an object. Annotations are audience (an array of "user" and "assistant"), priority
 *   (0 to 1), lastModified (ISO 8601), as in dmcp_pack(call, "{s:[s], s:f}", "audience", "user",
 *   "priority", 0.9).
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: as dmcp_reply.
 * Errors: DMCP_E_TYPE for a value that is no object; DMCP_E_INVALID for annotations of another
 *   form; DMCP_E_TOOBIG for one nested more than 58 deep; DMCP_E_MISUSE in a step's body, and for
 *   annotations in a resource, whose contents have none.
 * Source: MCP, schema, Annotations; base protocol, `_meta`.
 */
DMCP_API int dmcp_set_annotations(dmcp_call *call, const dmcp_value *annotations);
DMCP_API int dmcp_set_meta(dmcp_call *call, const dmcp_value *meta);

/*
 * Sets the `_meta` of the result, be it of a tool, a prompt, a resource or a completion.
 * Arguments: an object; a second one replaces the first.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: as dmcp_reply.
 * Errors: DMCP_E_TYPE, DMCP_E_TOOBIG and DMCP_E_MISUSE as dmcp_set_meta. A call that fails has no
 *   `_meta`.
 * Source: MCP, base protocol, `_meta`.
 */
DMCP_API int dmcp_set_result_meta(dmcp_call *call, const dmcp_value *meta);

/*
 * The structured content of the reply so far, for handlers that wrap others.
 * Arguments: the call.
 * Lifetime: until the next reply.
 * Thread: the handler's.
 * Durability: none.
 * Errors: NULL when there is none.
 */
DMCP_API const dmcp_value *dmcp_replied(const dmcp_call *call);

/*
 * Whether the reply so far is a tool error (dmcp_reply_error).
 * Arguments: the call.
 * Lifetime: none.
 * Thread: the handler's.
 * Durability: none.
 * Errors: false when there is no reply.
 */
DMCP_API bool dmcp_replied_error(const dmcp_call *call);

/* ------------------------------------------------------------------------------------------ */
/* Guards                                                                                     */
/* ------------------------------------------------------------------------------------------ */

/* How a failing body is tried again. A zero takes the guard's default: for at-least-once 5
 * attempts, for at-most-once 3; 100 ms for the first wait, doubling up to 5000 ms; each wait is
 * random between 0 and that. */
typedef struct dmcp_retry {
    unsigned max_attempts;
    unsigned first_ms, max_ms;
} dmcp_retry;

typedef struct dmcp_step {
    const char *alias;    /* names the step in its call; in a loop put the index in it */
    dmcp_type type;       /* what the result must be; DMCP_ANY accepts all */
    dmcp_retry retry;
    const int *retryable; /* at-most-once: the body's error codes that may be tried again, then 0 */
    bool run_once;        /* at-least-once: --validate-effects does not run the body a second time,
                           * since that costs too much, or never gives the same twice */
} dmcp_step;

/* A step's body. It returns DMCP_OK and may set *result (null otherwise), or an error: a positive
 * number of its own (dmcp_fail), or what a function here gave it.
 * A step is one unit: its body can neither run steps nor reply (DMCP_E_MISUSE). It may write to
 * maps, send notifications and ask for time and chance; these have the step's alias in front of
 * their own. A body that is tried again finds there what its earlier tries recorded, so it has to
 * do the same things again. */
typedef int dmcp_step_fn(dmcp_call *call, void *arg, dmcp_value **result);

/*
 * Runs a body until it has succeeded once, and remembers its result: in later attempts of the
 * call the body is not run and the recorded result is returned. A body that fails is tried again
 * by the retry policy (but not after DMCP_E_MISUSE, DMCP_E_ALIAS or DMCP_E_DIVERGED, which trying
 * does not cure); when that is used up its last error is returned and nothing is recorded.
 * Arguments: alias as in dmcp_step; arg is passed on; result_out may be NULL.
 * Lifetime: *result_out is of the call.
 * Thread: the handler's; blocks while the body runs and while it waits to try again.
 * Durability: all that the call recorded before is durable when the body starts. A crash before
 *   the result is durable runs the body again; after that never. The result is durable before
 *   the next body starts and before the response leaves.
 * Errors: the body's positive code; DMCP_E_ALIAS for an alias used before in this attempt;
 *   DMCP_E_TYPE for a result (new or recorded) of another type; DMCP_E_DIVERGED when another kind
 *   of step is recorded under the alias; DMCP_E_TOOBIG for a result over 16 MiB, and when the call
 *   has recorded 100000 things; DMCP_E_MISUSE in a step's body.
 */
DMCP_API int dmcp_at_least_once(dmcp_call *call, const char *alias, dmcp_step_fn *body, void *arg,
                                dmcp_value **result_out);
DMCP_API int dmcp_at_least_once_with(dmcp_call *call, const dmcp_step *step, dmcp_step_fn *body,
                                     void *arg, dmcp_value **result_out);

/*
 * Runs a body at most once, whatever happens, unless it failed with an error that its author
 * listed in step->retryable (which says: nothing was done). A listed error is tried again by the
 * retry policy, and when that is used up it is returned with the record reset. Any other error,
 * and a crash while the body ran, is final.
 * Arguments: as dmcp_at_least_once.
 * Lifetime: as dmcp_at_least_once.
 * Thread: as dmcp_at_least_once.
 * Durability: that the step started is durable before the body starts; how it ended is durable
 *   before this returns an error, and before the response leaves.
 * Errors: the body's positive code, the first time; DMCP_E_ATTEMPTED in every later attempt of
 *   the call, with the recorded reason in dmcp_error_text; and those of dmcp_at_least_once.
 */
DMCP_API int dmcp_at_most_once(dmcp_call *call, const char *alias, dmcp_step_fn *body, void *arg,
                               dmcp_value **result_out);
DMCP_API int dmcp_at_most_once_with(dmcp_call *call, const dmcp_step *step, dmcp_step_fn *body,
                                    void *arg, dmcp_value **result_out);

/*
 * What may differ between two runs, asked once and then remembered: the time in milliseconds
 * since 1970, random bytes (fit for secrets), a new UUIDv7. In later attempts of the call the
 * n-th question of a kind, counted within its step, gets the n-th answer again.
 * Arguments: size at most 1024 bytes; text_out has room for 36 characters and a NUL.
 * Lifetime: none.
 * Thread: the handler's.
 * Durability: as the result of an at-least-once step.
 * Errors: DMCP_E_DIVERGED when another number of random bytes is recorded here.
 * Source: RFC 9562 section 5.7 for the UUID.
 */
DMCP_API int dmcp_now(dmcp_call *call, uint64_t *ms_out);
DMCP_API int dmcp_random(dmcp_call *call, void *bytes_out, size_t size);
DMCP_API int dmcp_uuid7(dmcp_call *call, char text_out[37]);

/*
 * A key for an API outside that removes duplicates by key: 32 hexadecimal digits, the same in
 * every attempt of this call and different in every other call, and in every iteration of a loop.
 * Arguments: any alias; it need not be a step's.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none needed: it is computed from the call's id.
 * Errors: none.
 */
DMCP_API const char *dmcp_idempotency_key(dmcp_call *call, const char *alias);

/* ------------------------------------------------------------------------------------------ */
/* Loops                                                                                      */
/* ------------------------------------------------------------------------------------------ */

/* One iteration of a loop. */
typedef struct dmcp_iteration {
    uint64_t index;    /* from 0 */
    void *arg;         /* of dmcp_loop */
    dmcp_value *state; /* in: what the iteration before left, NULL in the first; out: what this one
                        * leaves to the next, or as the loop's result. It may be changed in place */
    bool is_last;      /* out: set it to end the loop */
} dmcp_iteration;

/* An iteration's body: a handler in small. It may run steps, wait, write to maps and send
 * notifications, under the same aliases in each iteration. It cannot reply (DMCP_E_MISUSE), since
 * an iteration that is over is never run again: what is to outlast it belongs into its state.
 * It returns DMCP_OK, or an error, which ends the loop unrecorded. */
typedef int dmcp_iteration_fn(dmcp_call *call, dmcp_iteration *iteration);

/*
 * Runs a body again and again until it says that it was the last time. Iterations that are over are
 * not run again: a later attempt of the call goes on in the first one that is not, with the state
 * that the one before left. So a loop may run for years. What an iteration recorded is deleted
 * when it is over; only its number and its state are kept.
 * A loop is where aliases have the least to be thought of: each iteration has its own, a signal
 * may be waited for once in each, and dmcp_idempotency_key gives another key in each.
 * Arguments: alias names the loop in its call; interval_ms is slept between two iterations, as by
 *   dmcp_sleep; state_out may be NULL.
 * Lifetime: *state_out, the state that the last iteration left, is of the call. Batches made in an
 *   iteration are of that iteration.
 * Thread: the handler's; none during the interval. From time to time a long loop gives the thread
 *   back and returns DMCP_E_SUSPENDED, so that its call takes no more and more memory.
 * Durability: that an iteration is over is recorded as the result of an at-least-once step. A crash
 *   before that is durable runs the iteration again, with what it recorded.
 * Errors: what the body returned; DMCP_E_SUSPENDED; DMCP_E_CANCELLED before an iteration that has not begun;
 *   DMCP_E_ALIAS; DMCP_E_DIVERGED; DMCP_E_TOOBIG for a state over 16 MiB or nested more than 63
 *   deep; DMCP_E_MISUSE in a step's body, in another loop, or outside of durable tools.
 */
DMCP_API int dmcp_loop(dmcp_call *call, const char *alias, uint64_t interval_ms,
                       dmcp_iteration_fn *body, void *arg, dmcp_value **state_out);

/* ------------------------------------------------------------------------------------------ */
/* Waiting                                                                                    */
/* ------------------------------------------------------------------------------------------ */

/*
 * The functions below wait for something from outside, for as long as it takes: they return
 * DMCP_E_SUSPENDED while it is not there, the handler returns that (DMCP_TRY does), and the call
 * waits as rows on disk, without a thread. When it comes the handler is run again from its top;
 * what is recorded is not done again, so it comes straight back to the same place, and this time
 * the function returns what came. They are for the handler itself, not for a step's body, and for
 * durable tools.
 */

/*
 * Waits for a time to pass.
 * Arguments: ms from the first time this sleep is reached; the n-th sleep of a handler, or of an
 *   iteration, is the n-th one in every attempt.
 * Lifetime: none.
 * Thread: the handler's; none while it waits.
 * Durability: the end of the sleep is a row; a restart neither shortens nor prolongs it.
 * Errors: DMCP_E_SUSPENDED; DMCP_E_CANCELLED; DMCP_E_MISUSE in a body or outside of durable tools.
 */
DMCP_API int dmcp_sleep(dmcp_call *call, uint64_t ms);

typedef enum dmcp_action { DMCP_ACCEPT, DMCP_DECLINE, DMCP_CANCEL } dmcp_action;

/* A question to the user behind the client. */
typedef struct dmcp_question {
    const char *alias;        /* names the question in its call */
    const char *message;      /* for the user */
    const dmcp_param *params; /* the fields of the form (scalars), or */
    const char *schema;       /* the form's JSON Schema as text; NULL with a url */
    const char *url;          /* a page to be opened instead of a form */
    uint64_t timeout_ms;      /* 0 waits without end */
} dmcp_question;

/*
 * Asks the user, and waits for the answer. A user who comes back after a restart of the server is
 * asked again, with a word of excuse in front of the message.
 * Arguments: see dmcp_question.
 * Lifetime: *content_out, the form's fields, is of the call; NULL unless accepted. It was checked
 *   against the schema. Either output may be NULL.
 * Thread: the handler's; none while it waits.
 * Durability: question and answer are durable; an answer that was recorded is never asked for
 *   again.
 * Errors: DMCP_E_SUSPENDED; DMCP_E_UNSUPPORTED when the client did not say that it can ask;
 *   DMCP_E_INVALID for a field that is no scalar (in a schema also no array of choices), a schema that
 *   is not one of an object, a url that is none;
 *   DMCP_E_TOOBIG for a question over 1 MiB; DMCP_E_TIMEOUT; DMCP_E_REMOTE when the client answered
 *   with an error (its text is in dmcp_error_text), gave the question up (notifications/cancelled),
 *   or sent content that does not fit; DMCP_E_CANCELLED when the whole call was; DMCP_E_ALIAS;
 *   DMCP_E_MISUSE. Declining and cancelling are answers, not errors.
 * Source: MCP, client features, elicitation.
 */
DMCP_API int dmcp_elicit(dmcp_call *call, const dmcp_question *question, dmcp_action *action_out,
                         const dmcp_value **content_out);

/*
 * The id of a question with a url (MCP's elicitationId). It may be a part of the url, so that whoever
 * serves the page knows for which question it was opened.
 * Arguments: alias of the question.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: the same in every attempt of the call.
 * Errors: none.
 */
DMCP_API const char *dmcp_elicitation_id(dmcp_call *call, const char *alias);

/*
 * Says that the user has to visit a page before this request can be served at all, e.g. to log in
 * somewhere: `return dmcp_require_page(call, &page);`. The client gets the error -32042 with the page,
 * or with all pages for which this was called, and makes the request anew when they were visited.
 * For a page in the midst of a call there is dmcp_elicit.
 * Arguments: a question with alias, message and url; the rest is not used.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: the outcome is durable as any other. The new request is a new call; one with the
 *   same idempotency key gets the same error again.
 * Errors: DMCP_E_PAGE always when it was done; DMCP_E_UNSUPPORTED when the client did not say that
 *   it can show pages; DMCP_E_INVALID for a url that is none; DMCP_E_TOOBIG for pages over 1 MiB;
 *   DMCP_E_MISUSE in a body and outside of durable tools, prompts and resources.
 * Source: MCP 2025-11-25, client features, elicitation, URL mode.
 */
DMCP_API int dmcp_require_page(dmcp_call *call, const dmcp_question *page);

/*
 * Tells the client whose user was sent to a page that the user is done with it. Any call can say so,
 * also an ephemeral one or a start function: it is the id that leads to the client.
 * Arguments: elicitation_id of dmcp_elicitation_id, in the call that asked.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: as dmcp_resource_updated, on the own stream of the session that was asked. Nothing
 *   happens when that session is gone, or for an id that was never sent.
 * Errors: as dmcp_progress.
 * Source: MCP 2025-11-25, client features, elicitation, completion notifications.
 */
DMCP_API int dmcp_elicitation_complete(dmcp_call *call, const char *elicitation_id);

/*
 * Asks the client's model for a message (sampling).
 * Arguments: alias names it in its call; params is the whole of the request's parameters
 *   (messages, maxTokens, ...); timeout_ms 0 waits without end. What the client must have declared
 *   besides sampling: sampling.tools for tools and toolChoice, sampling.context for includeContext
 *   thisServer and allServers (clients older than 2025-11-25 need not).
 * Lifetime: *result_out is of the call: the client's whole answer (role, content, model, ...).
 * Thread, Durability, Errors: as dmcp_elicit.
 * Source: MCP, client features, sampling.
 */
DMCP_API int dmcp_sample(dmcp_call *call, const char *alias, const dmcp_value *params,
                         uint64_t timeout_ms, const dmcp_value **result_out);

/*
 * Asks the client for its roots.
 * Arguments: alias names it in its call; timeout_ms 0 waits without end.
 * Lifetime: *roots_out, an array, is of the call.
 * Thread, Durability, Errors: as dmcp_elicit.
 * Source: MCP, client features, roots.
 */
DMCP_API int dmcp_list_roots(dmcp_call *call, const char *alias, uint64_t timeout_ms,
                             const dmcp_value **roots_out);

/*
 * Waits for a signal from outside: somebody with the right to sends it to this call by its id and
 * the signal's name (`dmcp signal`, dmcp_admin_signal). One that came before is not lost.
 * Arguments: name, once per call, or once per iteration of a loop (then a signal of that name is
 *   for this iteration until it is over, and for the next one afterwards); timeout_ms 0 waits
 *   without end.
 * Lifetime: *value_out, what was sent with it, is of the call.
 * Thread: the handler's; none while it waits.
 * Durability: as dmcp_elicit.
 * Errors: DMCP_E_SUSPENDED; DMCP_E_TIMEOUT; DMCP_E_CANCELLED; DMCP_E_ALIAS; DMCP_E_MISUSE.
 */
DMCP_API int dmcp_await_signal(dmcp_call *call, const char *name, uint64_t timeout_ms,
                               const dmcp_value **value_out);

/* A condition on maps. It reads maps, and returns DMCP_OK when it holds (and may set *result; null
 * otherwise), DMCP_E_AGAIN when it does not hold yet, or an error. It is run as often as it takes,
 * so it may do nothing but read maps of this call: steps, writes, notifications, replies, waits and
 * dmcp_now and its kind are DMCP_E_MISUSE. */
typedef int dmcp_condition_fn(dmcp_call *call, void *arg, dmcp_value **result);

/*
 * Waits until a condition on maps holds. While it does not, the call waits for a write to what the
 * condition has read, be it by another call, a start function or the operator: single entries, also
 * those that were not there, and ranges. No such write is missed, and nothing is polled.
 * Arguments: alias names the wait in its call; arg is passed on; timeout_ms, from the first time
 *   this is reached, 0 waits without end; result_out may be NULL.
 * Lifetime: *result_out is of the call.
 * Thread: the handler's; none while it waits.
 * Durability: what is waited for is durable, and a write wakes the call also across restarts. The
 *   result is recorded: in later attempts the condition is not run, and the same result returned,
 *   whatever the maps hold by then. It is durable before the next step's body starts and before
 *   the response leaves.
 * Errors: DMCP_E_SUSPENDED; what the condition returned (nothing is recorded then, and the wait is over);
 *   DMCP_E_TIMEOUT, recorded too, when the time was over and the condition still did not hold;
 *   DMCP_E_CANCELLED; DMCP_E_ALIAS; DMCP_E_DIVERGED; DMCP_E_TOOBIG for a result over 16 MiB, and
 *   for a condition that reads more than 256 maps; DMCP_E_MISUSE in a body or outside of durable
 *   tools, and for a condition that does not hold and has read no map, or others each time.
 */
DMCP_API int dmcp_until(dmcp_call *call, const char *alias, dmcp_condition_fn *condition, void *arg,
                        uint64_t timeout_ms, dmcp_value **result_out);

/*
 * Whether the call was cancelled, by its client or the operator, or its time is over. Guards and
 * waits look for themselves: they return DMCP_E_CANCELLED instead of beginning something new.
 * Arguments: the call.
 * Lifetime: none.
 * Thread: any, while the handler runs.
 * Durability: a cancellation that was accepted is durable.
 * Errors: none.
 * Source: MCP, utilities, cancellation.
 */
DMCP_API bool dmcp_cancelled(const dmcp_call *call);

/* ------------------------------------------------------------------------------------------ */
/* UUIDv7                                                                                     */
/* ------------------------------------------------------------------------------------------ */

/*
 * UUIDv7 outside of the journal: a new one (ids of one process strictly increase, also within a
 * millisecond); the smallest one of a given time, as a bound for ranges of keys; and the time of
 * one.
 * Arguments: text_out has room for 36 characters and a NUL; ms is since 1970, 48 bits.
 * Lifetime: none.
 * Thread: any.
 * Durability: none.
 * Errors: DMCP_E_INVALID when the text is not a UUIDv7.
 * Source: RFC 9562 sections 5.7 and 6.2.
 */
DMCP_API void dmcp_uuid7_create(char text_out[37]);
DMCP_API void dmcp_uuid7_from_ms(uint64_t ms, char text_out[37]);
DMCP_API int dmcp_uuid7_ms(const char *text, uint64_t *ms_out) DMCP_MUST_CHECK;

/* ------------------------------------------------------------------------------------------ */
/* Maps                                                                                       */
/* ------------------------------------------------------------------------------------------ */

/*
 * A SortedMap: keys in byte order, values of any bytes, shared by all calls of the server. There
 * is no creating: a map that was never written to is empty.
 * dmcp_map_as gives the map with an alias for its next write or read: a call that writes to one map
 * more than once with the same function has to name the writes. Reads need no alias, and see the
 * map as it is; a read with one is recorded, and gives the same in every later attempt, for
 * handlers that decide by what they read.
 * Arguments: name without NUL; alias as for a step.
 * Lifetime: of the call.
 * Thread: the handler's.
 * Durability: none.
 * Errors: none; a bad name is reported by the first use.
 */
DMCP_API dmcp_map *dmcp_map_open(dmcp_call *call, const char *name);
DMCP_API dmcp_map *dmcp_map_as(dmcp_call *call, const char *name, const char *alias);

/*
 * Inserts or replaces one entry; removes one (one that is not there is fine).
 * Arguments: key of 1 to 1024 bytes; value of 0 to 16 MiB.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: the write happens exactly once per call, however often the handler runs. It is
 *   visible to all when the function returns and survives a kill of the process; it is durable
 *   before the next body starts and before the response leaves. Ephemeral tools and start-up
 *   functions have no journal: each write happens, needs no alias, and is durable when the
 *   function returns.
 * Errors: DMCP_E_ALIAS for the second such write to this map without an alias of its own;
 *   DMCP_E_DIVERGED when an earlier attempt wrote other entries here; DMCP_E_INVALID,
 *   DMCP_E_TOOBIG for a bad key or value.
 */
DMCP_API int dmcp_map_insert(dmcp_map *map, const char *key, const void *value, size_t size);
DMCP_API int dmcp_map_insert_value(dmcp_map *map, const char *key, const dmcp_value *value);
DMCP_API int dmcp_map_remove(dmcp_map *map, const char *key);

/*
 * Reads one entry, as it is now, or, with an alias, as it was when it was first read (dmcp_map_as).
 * Arguments: key of 1 to 1024 bytes.
 * Lifetime: *value_out is of the call, with a NUL behind it that is not counted. size_out may be
 *   NULL. dmcp_map_get_value parses the value as JSON.
 * Thread: the handler's.
 * Durability: a call sees its own writes, and others' from the moment they are visible. Before a
 *   step's body starts, and before anything leaves for a client, all that was read is durable.
 * Errors: DMCP_E_NOTFOUND (recorded, too); DMCP_E_INVALID when the value is not JSON; with an alias
 *   DMCP_E_ALIAS when this attempt read under it before, DMCP_E_DIVERGED when an earlier one read
 *   another key, DMCP_E_MISUSE in a condition of dmcp_until; outputs untouched.
 */
DMCP_API int dmcp_map_get(dmcp_map *map, const char *key, const void **value_out,
                          size_t *size_out);
DMCP_API int dmcp_map_get_value(dmcp_map *map, const char *key, dmcp_value **value_out);

typedef struct dmcp_entry {
    const char *key;
    const void *value; /* a NUL behind it that is not counted */
    size_t size;
} dmcp_entry;

/*
 * Reads entries in order. dmcp_map_range goes up from start (inclusive) to end (exclusive);
 * dmcp_map_reverse_range goes down from start (inclusive) to end (exclusive);
 * dmcp_map_prefix goes up through the keys that begin with prefix.
 * Arguments: a bound that is NULL is open; limit from 1 to 100000 entries.
 * Lifetime: *entries_out and all in it are of the call.
 * Thread: the handler's.
 * Durability: one consistent view of the map.
 * Errors: DMCP_E_INVALID for a limit of zero, or bounds in the wrong order; DMCP_E_TOOBIG for an
 *   answer over 64 MiB, with an alias over 16 MiB (ask with a smaller limit); with an alias also
 *   those of dmcp_map_get; outputs untouched.
 */
DMCP_API int dmcp_map_range(dmcp_map *map, const char *start, const char *end, size_t limit,
                            const dmcp_entry **entries_out, size_t *n_out);
DMCP_API int dmcp_map_reverse_range(dmcp_map *map, const char *start, const char *end,
                                    size_t limit, const dmcp_entry **entries_out, size_t *n_out);
DMCP_API int dmcp_map_prefix(dmcp_map *map, const char *prefix, size_t limit,
                             const dmcp_entry **entries_out, size_t *n_out);

/*
 * Several writes, to one map or to several, as one: all of them become visible together.
 * Arguments: alias may be NULL when this is the call's only batch; at most 10000 operations and
 *   64 MiB. Operations apply in their order.
 * Lifetime: the batch is of the call; it can be written once.
 * Thread: the handler's.
 * Durability: as dmcp_map_insert.
 * Errors: a bad operation is reported by dmcp_batch_write, which then writes nothing;
 *   DMCP_E_MISUSE for a batch that was written; otherwise as dmcp_map_insert.
 */
DMCP_API dmcp_batch *dmcp_batch_new(dmcp_call *call, const char *alias);
DMCP_API void dmcp_batch_insert(dmcp_batch *batch, const char *map, const char *key,
                                const void *value, size_t size);
DMCP_API void dmcp_batch_remove(dmcp_batch *batch, const char *map, const char *key);
DMCP_API int dmcp_batch_write(dmcp_batch *batch);

/* ------------------------------------------------------------------------------------------ */
/* Notifications                                                                              */
/* ------------------------------------------------------------------------------------------ */

typedef enum dmcp_log_level {
    DMCP_LOG_DEBUG = 0,
    DMCP_LOG_INFO,
    DMCP_LOG_NOTICE,
    DMCP_LOG_WARNING,
    DMCP_LOG_ERROR,
    DMCP_LOG_CRITICAL,
    DMCP_LOG_ALERT,
    DMCP_LOG_EMERGENCY
} dmcp_log_level;

/*
 * Tells the client how far the call is. Nothing happens when the client did not ask for progress.
 * Arguments: progress grows from one notification to the next; total below 0 for unknown;
 *   message may be NULL.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: reaches the client once, however often the handler runs; a client that was away
 *   gets it when it resumes the stream. It is sent once it is durable.
 * Errors: DMCP_E_ALIAS when the same was reported before in this attempt; DMCP_E_TOOBIG over
 *   1 MiB, and over 100000 events in one call; DMCP_E_INVALID for a number that is not finite.
 * Source: MCP, utilities, progress.
 */
DMCP_API int dmcp_progress(dmcp_call *call, double progress, double total, const char *message);

/*
 * Sends a log message to the client, if its level is at least the one that the client set.
 * Arguments: logger may be NULL; fmt as printf.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: as dmcp_progress.
 * Errors: as dmcp_progress.
 * Source: MCP, server utilities, logging.
 */
DMCP_API int dmcp_log(dmcp_call *call, dmcp_log_level level, const char *logger, const char *fmt,
                      ...) DMCP_PRINTF(4, 5);

/*
 * Tells the client, on its session's own stream, that a list has changed. What is added and removed
 * is told by itself, and to all; this is for who has other reasons.
 * Arguments: why tells two such notifications of one call apart; it is not sent.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: as dmcp_progress; a client that has no stream open gets it when it opens one.
 * Errors: as dmcp_progress.
 * Source: MCP, tools, list changed notification (likewise prompts and resources).
 */
DMCP_API int dmcp_list_changed(dmcp_call *call, dmcp_list list, const char *why);

/*
 * Tells the clients that subscribed to a resource, of all sessions, that it has changed.
 * Arguments: uri as they subscribed to it; why tells two such notifications of one call apart, it
 *   is not sent and may be NULL.
 * Lifetime: copied.
 * Thread: the handler's.
 * Durability: as dmcp_list_changed. Outside of durable tools it is sent each time it is said.
 * Errors: as dmcp_progress. A resource has at most 10000 subscribers, all of whom are told.
 * Source: MCP, resources, subscriptions.
 */
DMCP_API int dmcp_resource_updated(dmcp_call *call, const char *uri, const char *why);

/*
 * Closes the connection on which the client waits for this call, which goes on: the client comes
 * back for the rest when it wants to. For calls that take long, so that no proxy's time-out hits.
 * Arguments: the call.
 * Lifetime: none.
 * Thread: the handler's.
 * Durability: what the client was told is where it resumes.
 * Errors: none; it does nothing for a client that cannot resume.
 * Source: MCP 2025-11-25, transports, SEP-1699.
 */
DMCP_API void dmcp_close_stream(dmcp_call *call);

#ifdef __cplusplus
}
#endif
#endif
