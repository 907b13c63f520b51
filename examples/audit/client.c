/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks through the audit example's tools, says what it does and what it gets, and ends with 1 if
 * any answer is not what it should be.
 *
 *   audit-client [URL [LOG]]     with LOG: only shows the newest entries of that log
 */
#include <dmcp_client.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_URL "http://127.0.0.1:9991/mcp"
#define OPERATIONS "user_operations"
#define SECURITY "security_events"
#define N_OPERATIONS 6 /* how many entries the tour leaves in OPERATIONS */
#define MAX_ENTRIES 100
#define ARGUMENT_BYTES 512

struct tour {
    dmcp_client *client;
    dmcp_result *result; /* of the last call */
    int n_surprises;
    char ada[64], grace[64]; /* user ids */
};

/* One entry of a log: JSON text that is not ended by a NUL. */
struct entry {
    const char *json;
    size_t length;
    int64_t ms;
};

struct entries {
    size_t n;
    struct entry at[MAX_ENTRIES];
};

/* ---- a little JSON ---- */

/* Where the value of the first member of this name begins; "" without one. A name in quotes with
 * a colon behind it can be nothing else: quotes inside of strings are escaped. */
static const char *member(const char *json, const char *name)
{
    char quoted[64];
    const char *at;

    snprintf(quoted, sizeof(quoted), "\"%s\":", name);
    at = strstr(json, quoted);
    return at ? at + strlen(quoted) : "";
}

static bool has(const char *json, const char *name, const char *value)
{
    return strncmp(member(json, name), value, strlen(value)) == 0;
}

static bool entry_has(const struct entry *e, const char *name, const char *value)
{
    const char *at = member(e->json, name);

    return *at && at < e->json + e->length && strncmp(at, value, strlen(value)) == 0;
}

/* A string without escapes; "" without one. */
static void copy_string(const char *json, const char *name, char *out, size_t size)
{
    const char *value = member(json, name);
    int length = value[0] == '"' ? (int)strcspn(value + 1, "\"") : 0;

    snprintf(out, size, "%.*s", length, value + (length > 0));
}

/* The length of the object that begins here. */
static size_t object_length(const char *json)
{
    bool is_in_string = false;
    size_t depth = 0, i;

    for (i = 0; json[i]; i++) {
        if (is_in_string && json[i] == '\\') {
            i++;
        } else if (json[i] == '"') {
            is_in_string = !is_in_string;
        } else if (!is_in_string && json[i] == '{') {
            depth++;
        } else if (!is_in_string && json[i] == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return i;
}

/* ---- asking and checking ---- */

static void say(const char *heading)
{
    printf("\n%s\n", heading);
}

static void check(struct tour *t, bool is_so, const char *sentence)
{
    printf("   %s %s\n", is_so ? "right:" : "WRONG, this is not so:", sentence);
    t->n_surprises += !is_so;
}

/* The answer's structured result, or its error text. Without any answer the program ends. */
static const char *ask(struct tour *t, int64_t request_id, const char *tool, const char *arguments)
{
    dmcp_call_options options = DMCP_CALL_OPTIONS_INIT;
    const char *text;

    dmcp_result_free(t->result);
    t->result = NULL;
    options.request_id = request_id;
    printf("   %s %s\n", tool, arguments);
    if (dmcp_client_call_tool(t->client, tool, arguments, &options, &t->result) != DMCP_OK) {
        printf("   no answer: %s\n", dmcp_client_error(t->client));
        exit(1);
    }
    text = dmcp_result_is_error(t->result) ? dmcp_result_text(t->result)
                                           : dmcp_result_structured(t->result);
    return text ? text : "";
}

static const char *call(struct tour *t, const char *tool, const char *arguments)
{
    const char *answer = ask(t, 0, tool, arguments);

    printf("   -> %s%s\n", dmcp_result_is_error(t->result) ? "error: " : "", answer);
    return answer;
}

/* `bounds` is more members for the arguments. The entries live until the next call. */
static struct entries read_log(struct tour *t, const char *log, const char *bounds)
{
    struct entries entries = { 0 };
    char arguments[ARGUMENT_BYTES];
    const char *at;

    snprintf(arguments, sizeof(arguments), "{\"log_name\":\"%s\"%s}", log, bounds);
    at = member(ask(t, 0, "get_audit_log", arguments), "entries");
    at = at[0] == '[' ? at + 1 : "";
    while (*at == '{' && entries.n < MAX_ENTRIES) {
        struct entry *e = &entries.at[entries.n++];

        e->json = at;
        e->length = object_length(at);
        e->ms = strtoll(member(at, "timestamp"), NULL, 10);
        at += e->length;
        at += *at == ',';
    }
    if (dmcp_result_is_error(t->result)) {
        printf("   -> error: %s\n", dmcp_result_text(t->result));
    } else {
        printf("   -> %zu %s\n", entries.n, entries.n == 1 ? "entry" : "entries");
    }
    return entries;
}

static void print_whole(const struct entries *log)
{
    for (size_t i = 0; i < log->n; i++) {
        printf("      %.*s\n", (int)log->at[i].length, log->at[i].json);
    }
}

/* Only what was done, and when. */
static void print_briefly(const struct entries *log)
{
    char what[64];

    for (size_t i = 0; i < log->n; i++) {
        const struct entry *e = &log->at[i];

        copy_string(e->json, entry_has(e, "tool", "") ? "tool" : "action", what, sizeof(what));
        printf("      %" PRId64 " %s\n", e->ms, what);
    }
}

/* ---- the tour ---- */

static void tour_users(struct tour *t)
{
    const char *answer;
    char again[sizeof(t->grace)];

    say("1. Create two users. The server leaves an audit entry for each call of create_user.");
    answer = call(t, "create_user", "{\"name\":\"Ada\",\"email\":\"ada@example.org\"}");
    check(t, has(answer, "status", "\"success\""), "Ada was created");
    copy_string(answer, "user_id", t->ada, sizeof(t->ada));
    answer = call(t, "create_user", "{\"name\":\"Grace\",\"email\":\"grace@example.org\"}");
    copy_string(answer, "user_id", t->grace, sizeof(t->grace));
    check(t, t->grace[0] && strcmp(t->ada, t->grace) != 0, "Grace is another user");

    say("2. Send the last request once more, under its old id, as a client does whose connection\n"
        "   broke before the answer came.");
    answer = ask(t, dmcp_client_request_id(t->client), "create_user",
                 "{\"name\":\"Grace\",\"email\":\"grace@example.org\"}");
    printf("   -> %s\n", answer);
    copy_string(answer, "user_id", again, sizeof(again));
    check(t, strcmp(again, t->grace) == 0, "it is the same answer; nobody was created twice");
}

static void tour_changes(struct tour *t)
{
    char arguments[ARGUMENT_BYTES];
    const char *answer;

    say("3. Change a role. That leaves an entry in a second log, " SECURITY ", too.");
    snprintf(arguments, sizeof(arguments), "{\"user_id\":\"%s\",\"updates\":{\"role\":\"admin\"}}",
             t->ada);
    answer = call(t, "update_user", arguments);
    check(t, has(answer, "updated_fields", "[\"role\"]"), "the role was updated");

    say("4. Change a user that does not exist. Failures are audited like everything else.");
    call(t, "update_user", "{\"user_id\":\"nobody\",\"updates\":{\"role\":\"admin\"}}");
    check(t, dmcp_result_is_error(t->result), "there is no such user");

    say("5. Delete both users, one with a reason. delete_user writes its entry itself.");
    snprintf(arguments, sizeof(arguments), "{\"user_id\":\"%s\",\"reason\":\"has retired\"}",
             t->grace);
    answer = call(t, "delete_user", arguments);
    check(t, has(answer, "status", "\"success\""), "Grace was deleted");
    snprintf(arguments, sizeof(arguments), "{\"user_id\":\"%s\"}", t->ada);
    answer = call(t, "delete_user", arguments);
    check(t, has(answer, "status", "\"success\""), "Ada was deleted");
}

static bool is_newest_first(const struct entries *log)
{
    for (size_t i = 1; i < log->n; i++) {
        if (log->at[i].ms > log->at[i - 1].ms) {
            return false;
        }
    }
    return true;
}

static void check_entries(struct tour *t, const struct entries *log)
{
    const struct entry *e = log->at;

    check(t, log->n == N_OPERATIONS && is_newest_first(log), "six entries, the newest first");
    if (log->n != N_OPERATIONS) {
        return;
    }
    check(t,
          entry_has(&e[0], "reason", "\"no reason provided\"") &&
              entry_has(&e[1], "reason", "\"has retired\""),
          "both deletions, with reasons");
    check(t,
          entry_has(&e[2], "success", "false") && entry_has(&e[2], "error", "\"there is no user"),
          "the update that failed, and why");
    check(t, entry_has(&e[3], "success", "true") && entry_has(&e[3], "tool", "\"update_user\""),
          "the update that did not");
    check(t, entry_has(&e[4], "name", "\"Grace\"") && entry_has(&e[5], "name", "\"Ada\""),
          "the two users' creation, with inputs and outputs: one entry for each");
}

/* How many of these entries are older than this. */
static size_t count_before(const struct entries *log, int64_t ms)
{
    size_t n = 0;

    for (size_t i = 0; i < log->n; i++) {
        n += log->at[i].ms < ms;
    }
    return n;
}

static void tour_ranges(struct tour *t, int64_t first_ms, int64_t last_ms, size_t n_before_last)
{
    char bounds[ARGUMENT_BYTES];
    struct entries log;

    say("7. The same from the time of the first one on: now the oldest come first.");
    snprintf(bounds, sizeof(bounds), ",\"begin\":%" PRId64, first_ms);
    log = read_log(t, OPERATIONS, bounds);
    print_briefly(&log);
    check(t, log.n == N_OPERATIONS && entry_has(&log.at[0], "name", "\"Ada\""),
          "six entries, Ada's creation first");

    say("8. What was before the last one, two at most: the newest of them, not the newest of all.");
    snprintf(bounds, sizeof(bounds), ",\"end\":%" PRId64 ",\"limit\":2", last_ms);
    log = read_log(t, OPERATIONS, bounds);
    print_briefly(&log);
    check(t,
          log.n >= (n_before_last < 2 ? n_before_last : 2) && is_newest_first(&log) &&
              count_before(&log, last_ms) == log.n,
          "older ones only, the newest first");

    say("9. Both bounds; the end is not included.");
    snprintf(bounds, sizeof(bounds), ",\"begin\":%" PRId64 ",\"end\":%" PRId64, first_ms,
             last_ms + 1);
    log = read_log(t, OPERATIONS, bounds);
    print_briefly(&log);
    check(t, log.n == N_OPERATIONS, "six entries again, with an end just behind the last");
    snprintf(bounds, sizeof(bounds), ",\"begin\":%" PRId64 ",\"end\":%" PRId64, last_ms, first_ms);
    read_log(t, OPERATIONS, bounds);
    check(t, last_ms == first_ms || dmcp_result_is_error(t->result),
          "a range that ends before it begins is an error");
}

static void tour_logs(struct tour *t)
{
    struct entries log;
    char user_id[64] = "";
    int64_t first_ms, last_ms;

    say("6. Read the newest entries of the log.");
    log = read_log(t, OPERATIONS, ",\"limit\":6");
    print_whole(&log);
    check_entries(t, &log);
    if (log.n > 0) {
        first_ms = log.at[log.n - 1].ms;
        last_ms = log.at[0].ms;
        tour_ranges(t, first_ms, last_ms, count_before(&log, last_ms));
    }

    say("10. The log of what matters for security: the change of role.");
    log = read_log(t, SECURITY, ",\"limit\":1");
    print_whole(&log);
    if (log.n == 1) {
        copy_string(log.at[0].json, "user_id", user_id, sizeof(user_id));
    }
    check(t, log.n == 1 && entry_has(&log.at[0], "new_role", "\"admin\""), "somebody became admin");
    check(t, strcmp(user_id, t->ada) == 0, "and it was Ada");
}

static void show_log(struct tour *t, const char *name)
{
    struct entries log = read_log(t, name, ",\"limit\":10");

    print_briefly(&log);
    check(t, log.n > 0, "the log has entries");
}

static void introduce(dmcp_client *client, const char *url)
{
    char name[64], version[64];
    const char *info = member(dmcp_client_server_json(client), "serverInfo");

    copy_string(info, "name", name, sizeof(name));
    copy_string(info, "version", version, sizeof(version));
    printf("Connected to the server \"%s\" %s at %s.\n", name, version, url);
    printf("Protocol %s, session %s.\n", dmcp_client_protocol_version(client),
           dmcp_client_session_id(client));
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : DEFAULT_URL;
    dmcp_client_options options = DMCP_CLIENT_OPTIONS_INIT;
    struct tour t = { 0 };

    options.name = "audit-client";
    options.connect_ms = 2000;
    t.client = dmcp_client_new(url, &options);
    if (dmcp_client_connect(t.client) != DMCP_OK) {
        printf("Cannot connect to %s: %s\n", url, dmcp_client_error(t.client));
        t.n_surprises++;
    } else if (argc > 2) {
        show_log(&t, argv[2]);
    } else {
        introduce(t.client, url);
        tour_users(&t);
        tour_changes(&t);
        tour_logs(&t);
        printf("\n%s\n", t.n_surprises ? "Not everything was as it should be."
                                       : "Everything was as it should be.");
    }
    dmcp_result_free(t.result);
    dmcp_client_free(t.client);
    return t.n_surprises ? 1 : 0;
}
