/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog's changes to the engine. See offers.h.
 */
#include "server/offers.h"

#include "base/log.h"
#include "json/rpc.h"

/* A tool as the engine knows it. */
static struct id tool_digest(enum call_method method, struct str name)
{
    struct buf text;
    struct id d;

    buf_init(&text, SIZE_MAX / 2);
    buf_addc(&text, (char)method);
    buf_add_str(&text, name);
    d = digest_id(buf_str(&text));
    buf_fini(&text);
    return d;
}

static void post_change(void *arg, const struct catalog_change *change)
{
    struct mailbox *commands = arg;
    struct command *c;

    if (commands) {
        c = command_new(CMD_LISTS);
        memcpy(c->lists.digests, change->digests, sizeof(c->lists.digests));
        if (change->added) {
            c->lists.added = tool_digest(change->added->method, change->added->name);
        }
        mailbox_put(commands, &c->mail);
    }
}

void offers_watch(struct catalog *c, struct mailbox *commands)
{
    catalog_watch(c, post_change, commands);
}

void offers_unwatch(struct catalog *c)
{
    catalog_watch(c, NULL, NULL);
}

struct parking {
    struct mailbox *commands;
    const struct action *dispatch;
};

static void park(void *arg)
{
    const struct parking *p = arg;
    const struct call_record *r = &p->dispatch->dispatch.record;
    struct command *c = command_new(CMD_CALL_PARK);

    c->call = p->dispatch->call;
    c->park.tool = tool_digest((enum call_method)r->method, r->name);
    mailbox_put(p->commands, &c->mail);
}

const struct tool *offers_hold(struct catalog *c, struct mailbox *commands,
                               const struct action *dispatch)
{
    const struct call_record *r = &dispatch->dispatch.record;
    struct parking parking = { commands, dispatch };
    const struct tool *tool =
        catalog_hold(c, (enum call_method)r->method, r->name, park, &parking);

    if (!tool) {
        log_warning("a call of %s %.*s is unfinished, which is not there now; it waits",
                    tool_method_name((enum call_method)r->method), STR_FMT(r->name));
    }
    return tool;
}

void offers_messages(struct buf *out, struct str messages[N_LISTS])
{
    static const char *const methods[N_LISTS] = { "notifications/tools/list_changed",
                                                  "notifications/prompts/list_changed",
                                                  "notifications/resources/list_changed" };
    size_t ends[N_LISTS], start = 0;

    for (unsigned i = 0; i < N_LISTS; i++) {
        rpc_write_notification(out, str_of(methods[i]), STR_NONE);
        ends[i] = out->len;
    }
    for (unsigned i = 0; i < N_LISTS; i++) { /* when the buffer does not move any more */
        messages[i] = str_make(out->data + start, ends[i] - start);
        start = ends[i];
    }
}
