/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that asks its clients for what they offer: forms, pages, their model, their roots. What
 * comes back is the text of the result.
 *
 *   form     a form of any schema
 *   page     sends the user to a page, and tells the client that the user is done with it
 *   guarded  wants a page visited first, until visited says that it was: each for a name
 *   visited  says so
 *   model    asks the model with any parameters
 *   roots    asks for the roots
 *   known    waits until the client has told of changed roots, and gives those it has now; the server
 *            asks for them by itself
 */
#include <dmcp.h>
#include <stdlib.h>
#include <string.h>

static const char *const actions[] = { "accepted", "declined", "cancelled" };

static int form(dmcp_call *call)
{
    const dmcp_question question = { .alias = "form",
                                     .message = "Please fill in",
                                     .schema = dmcp_arg_str(call, "schema") };
    const dmcp_value *content = NULL;
    dmcp_action action;

    DMCP_TRY(dmcp_elicit(call, &question, &action, &content));
    return dmcp_add_text(call, "%s %s", actions[action],
                         content ? dmcp_json_text(call, content) : "");
}

static int page(dmcp_call *call)
{
    const char *id = dmcp_elicitation_id(call, "page");
    const dmcp_question question = { .alias = "page",
                                     .message = "Please pay",
                                     .url = dmcp_format(call, "https://pay.example/?for=%s", id) };
    dmcp_action action;

    DMCP_TRY(dmcp_elicit(call, &question, &action, NULL));
    DMCP_TRY(dmcp_elicitation_complete(call, id));
    return dmcp_add_text(call, "%s", actions[action]);
}

static int guarded(dmcp_call *call)
{
    const char *name = dmcp_arg_str(call, "name");
    const dmcp_question question = { .alias = "login",
                                     .message = "Please log in",
                                     .url = "https://login.example/" };
    const void *seen;
    size_t size;

    if (dmcp_map_get(dmcp_map_open(call, "visited"), name, &seen, &size) == DMCP_OK) {
        return dmcp_add_text(call, "welcome, %s", name);
    }
    DMCP_TRY(dmcp_map_insert_value(dmcp_map_open(call, "pages"), name,
                                   dmcp_string(call, dmcp_elicitation_id(call, "login"))));
    return dmcp_require_page(call, &question);
}

static int visited(dmcp_call *call)
{
    const char *name = dmcp_arg_str(call, "name");
    dmcp_value *id;

    DMCP_TRY(dmcp_map_get_value(dmcp_map_open(call, "pages"), name, &id));
    DMCP_TRY(dmcp_map_insert(dmcp_map_open(call, "visited"), name, "", 0));
    DMCP_TRY(dmcp_elicitation_complete(call, dmcp_str(id)));
    return dmcp_add_text(call, "noted");
}

static int model(dmcp_call *call)
{
    const dmcp_value *answer;

    DMCP_TRY(dmcp_sample(call, "model", dmcp_arg(call, "params"), 0, &answer));
    return dmcp_add_text(call, "%s", dmcp_json_text(call, answer));
}

static int roots(dmcp_call *call)
{
    const dmcp_value *list;

    DMCP_TRY(dmcp_list_roots(call, "roots", 0, &list));
    return dmcp_add_text(call, "%s", dmcp_json_text(call, list));
}

/* ---- roots that change ---- */

static int learn(dmcp_call *call)
{
    const dmcp_value *list;

    DMCP_TRY(dmcp_list_roots(call, "roots", 0, &list));
    DMCP_TRY(dmcp_map_insert_value(dmcp_map_open(call, "roots"), dmcp_call_session(call), list));
    return dmcp_list_changed(call, DMCP_RESOURCES, "other roots");
}

static int are_known(dmcp_call *call, void *arg, dmcp_value **result)
{
    int rc = dmcp_map_get_value(dmcp_map_open(call, "roots"), dmcp_call_session(call), result);

    (void)arg;
    return rc == DMCP_E_NOTFOUND ? DMCP_E_AGAIN : rc;
}

static int known(dmcp_call *call)
{
    dmcp_value *list;

    DMCP_TRY(dmcp_until(call, "known", are_known, NULL, 0, &list));
    return dmcp_add_text(call, "%s", dmcp_json_text(call, list));
}

static const dmcp_param schema_param[] = { { "schema", DMCP_STRING, "of the form", .required = true },
                                           { .name = NULL } };
static const dmcp_param name_param[] = { { "name", DMCP_STRING, "whose page", .required = true },
                                         { .name = NULL } };
static const dmcp_param model_param[] = { { "params", DMCP_OBJECT, "of sampling", .required = true },
                                          { .name = NULL } };

static const dmcp_tool tools[] = {
    { .name = "form", .params = schema_param, .handler = form },
    { .name = "page", .handler = page },
    { .name = "guarded", .params = name_param, .handler = guarded },
    { .name = "visited", .params = name_param, .handler = visited },
    { .name = "model", .params = model_param, .handler = model },
    { .name = "roots", .handler = roots },
    { .name = "known", .handler = known },
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("asks", "1.0.0");

    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        dmcp_add_tool(server, &tools[i]);
    }
    dmcp_on_roots_changed(server, learn, NULL);
    return dmcp_server_main(server, argc, argv);
}
