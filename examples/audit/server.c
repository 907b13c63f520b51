/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit example: tools that keep users, and leave an audit log of what was done to them. It
 * shows three ways to write a log (around a whole tool, by hand, both), and how to read ranges of
 * time from a map. The users stand in the map "users".
 */
#include "audit.h"

#include <string.h>

#define OPERATIONS "user_operations"
#define SECURITY "security_events"

enum { NO_SUCH_USER = 1, BAD_RANGE };

/* ---- users ---- */

static dmcp_map *users(dmcp_call *call)
{
    return dmcp_map_open(call, "users");
}

static int find_body(dmcp_call *call, void *user_id, dmcp_value **result)
{
    int rc = dmcp_map_get_value(users(call), user_id, result);

    return rc == DMCP_E_NOTFOUND ? DMCP_OK : rc; /* null then, and no reason to try again */
}

/* A user as it was when this call first looked, NULL for none. It is looked up in a step: a handler
 * that runs again after a crash must see what it saw before, not what it made of it meanwhile. */
static int find_user(dmcp_call *call, const char *user_id, dmcp_value **user_out)
{
    DMCP_TRY(dmcp_at_least_once(call, "find_user", find_body, (void *)user_id, user_out));
    if (dmcp_value_type(*user_out) == DMCP_NULL) {
        *user_out = NULL;
    }
    return DMCP_OK;
}

/* ---- create_user: audited as a whole ---- */

static int create_user(dmcp_call *call)
{
    const char *name = dmcp_arg_str(call, "name"), *email = dmcp_arg_str(call, "email"), *user_id;
    char uuid[37];

    DMCP_TRY(dmcp_uuid7(call, uuid));
    user_id = dmcp_format(call, "user_%s", uuid);
    DMCP_TRY(dmcp_map_insert_value(
        users(call), user_id,
        dmcp_pack(call, "{s:s, s:s, s:s}", "name", name, "email", email, "role", "user")));
    return dmcp_reply(call, "{s:s, s:s, s:s, s:s}", "status", "success", "user_id", user_id, "name",
                      name, "email", email);
}

/* ---- delete_user: an entry of its own making ---- */

static int delete_user(dmcp_call *call)
{
    const char *user_id = dmcp_arg_str(call, "user_id"), *reason = dmcp_arg_str(call, "reason");
    dmcp_value *user;

    DMCP_TRY(find_user(call, user_id, &user));
    if (user) {
        DMCP_TRY(dmcp_map_remove(users(call), user_id));
    }
    DMCP_TRY(
        audit_write(call, OPERATIONS,
                    dmcp_pack(call, "{s:s, s:s, s:s, s:s, s:s}", "action", "delete_user", "user_id",
                              user_id, "reason", reason[0] ? reason : "no reason provided",
                              "severity", "high", "status", user ? "success" : "error")));
    if (!user) {
        return dmcp_fail(call, NO_SUCH_USER, "there is no user %s", user_id);
    }
    return dmcp_reply(call, "{s:s, s:s}", "status", "success", "user_id", user_id);
}

/* ---- update_user: audited as a whole, and a change of role once more in another log ---- */

static int put_all(dmcp_call *call, dmcp_value *to, const dmcp_value *from)
{
    for (size_t i = 0; i < dmcp_count(from); i++) {
        DMCP_TRY(dmcp_object_set(call, to, dmcp_key(from, i), dmcp_at(from, i)));
    }
    return DMCP_OK;
}

static int note_role(dmcp_call *call, const char *user_id, const dmcp_value *old_role,
                     const dmcp_value *new_role)
{
    if (!new_role || strcmp(dmcp_json_text(call, old_role), dmcp_json_text(call, new_role)) == 0) {
        return DMCP_OK;
    }
    return audit_write(call, SECURITY,
                       dmcp_pack(call, "{s:s, s:s, s:v, s:v, s:s}", "action", "role_change",
                                 "user_id", user_id, "old_role", old_role, "new_role", new_role,
                                 "severity", "medium"));
}

static int update_user(dmcp_call *call)
{
    const char *user_id = dmcp_arg_str(call, "user_id");
    const dmcp_value *updates = dmcp_arg(call, "updates");
    dmcp_value *user, *updated = dmcp_pack(call, "{}"), *fields = dmcp_pack(call, "[]");

    DMCP_TRY(find_user(call, user_id, &user));
    if (!user) {
        return dmcp_fail(call, NO_SUCH_USER, "there is no user %s", user_id);
    }
    DMCP_TRY(put_all(call, updated, user));
    DMCP_TRY(put_all(call, updated, updates));
    DMCP_TRY(dmcp_map_insert_value(users(call), user_id, updated));
    DMCP_TRY(note_role(call, user_id, dmcp_get(user, "role"), dmcp_get(updates, "role")));
    for (size_t i = 0; i < dmcp_count(updates); i++) {
        DMCP_TRY(dmcp_array_add(call, fields, dmcp_string(call, dmcp_key(updates, i))));
    }
    return dmcp_reply(call, "{s:s, s:s, s:v}", "status", "success", "user_id", user_id,
                      "updated_fields", fields);
}

/* ---- get_audit_log: ranges of time ---- */

static const uint64_t *bound(dmcp_call *call, const char *name, uint64_t *ms)
{
    *ms = (uint64_t)dmcp_arg_int(call, name);
    return dmcp_arg(call, name) ? ms : NULL;
}

static int get_audit_log(dmcp_call *call)
{
    const char *log = dmcp_arg_str(call, "log_name");
    uint64_t begin_ms, end_ms;
    const uint64_t *begin = bound(call, "begin", &begin_ms), *end = bound(call, "end", &end_ms);
    dmcp_value *entries;

    if (begin && end && begin_ms >= end_ms) {
        return dmcp_fail(call, BAD_RANGE, "begin has to be before end");
    }
    DMCP_TRY(audit_read(call, log, begin, end, (size_t)dmcp_arg_int(call, "limit"), &entries));
    return dmcp_reply(call, "{s:s, s:i, s:v}", "log_name", log, "count", (int)dmcp_count(entries),
                      "entries", entries);
}

/* ---- the table of tools ---- */

#define KEY_SCHEMA "{\"minLength\":1,\"maxLength\":100}"
#define TIME_SCHEMA "{\"minimum\":0,\"maximum\":281474976710655}" /* what a UUIDv7 has room for */

static const dmcp_tool create_tool = {
    .name = "create_user",
    .description = "Create a new user.",
    .params = (const dmcp_param[]){ { "name", DMCP_STRING, "full name", .required = true },
                                    { "email", DMCP_STRING, "e-mail address", .required = true },
                                    { 0 } },
    .handler = create_user,
};

static const dmcp_tool delete_tool = {
    .name = "delete_user",
    .description = "Delete a user.",
    .params = (const dmcp_param[]){ { "user_id", DMCP_STRING, "as create_user gave it",
                                      .required = true, .schema = KEY_SCHEMA },
                                    { "reason", DMCP_STRING, "why; goes into the audit log",
                                      .required = false },
                                    { 0 } },
    .annotations = "{\"destructiveHint\":true}",
    .handler = delete_user,
};

static const dmcp_tool update_tool = {
    .name = "update_user",
    .description = "Set fields of a user. A change of `role` is noted in the log " SECURITY ".",
    .params = (const dmcp_param[]){ { "user_id", DMCP_STRING, "as create_user gave it",
                                      .required = true, .schema = KEY_SCHEMA },
                                    { "updates", DMCP_OBJECT, "the fields and their new values",
                                      .required = true },
                                    { 0 } },
    .handler = update_user,
};

static const dmcp_tool log_tool = {
    .name = "get_audit_log",
    .description = "Read an audit log: from `begin` on the oldest entries first, without `begin` "
                   "the newest first; `end` is exclusive. Times are milliseconds since 1970.",
    .params =
        (const dmcp_param[]){
            { "log_name", DMCP_STRING, OPERATIONS " or " SECURITY, .required = true,
              .schema = KEY_SCHEMA },
            { "begin", DMCP_INTEGER, "no entries before this time", .schema = TIME_SCHEMA },
            { "end", DMCP_INTEGER, "only entries before this time", .schema = TIME_SCHEMA },
            { "limit", DMCP_INTEGER, "at most so many entries", .fallback = "100",
              .schema = "{\"minimum\":1,\"maximum\":10000}" },
            { 0 } },
    .annotations = "{\"readOnlyHint\":true}",
    .handler = get_audit_log,
    .durability = DMCP_EPHEMERAL, /* it changes nothing, so there is nothing to survive */
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("audit", "1.0.0");
    struct audited create = { .log = OPERATIONS }, update = { .log = OPERATIONS };

    /* What is wrong with a tool is reported by dmcp_server_main. */
    audit_tool(server, &create_tool, &create);
    audit_tool(server, &update_tool, &update);
    dmcp_add_tool(server, &delete_tool);
    dmcp_add_tool(server, &log_tool);
    return dmcp_server_main(server, argc, argv);
}
