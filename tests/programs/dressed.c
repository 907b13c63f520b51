/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that says of itself, and of all that it offers, whatever MCP has a field for.
 */
#include <dmcp.h>

static const dmcp_icon icons[] = {
    { .src = "https://example.com/light.png",
      .mime = "image/png",
      .sizes = "48x48 96x96",
      .theme = "light" },
    { .src = "data:image/svg+xml;base64,PHN2Zy8+", .sizes = "any" },
    { .src = NULL },
};

/* Each kind of block, dressed. */
static int blocks(dmcp_call *call)
{
    DMCP_TRY(dmcp_set_annotations(call, dmcp_pack(call, "{s:[s,s], s:f, s:s}", "audience", "user",
                                                  "assistant", "priority", 0.5, "lastModified",
                                                  "2025-01-12T15:00:58Z")));
    DMCP_TRY(dmcp_set_meta(call, dmcp_pack(call, "{s:i}", "example.com/block", 1)));
    DMCP_TRY(dmcp_add_text(call, "dressed"));
    DMCP_TRY(dmcp_add_text(call, "plain"));
    DMCP_TRY(dmcp_set_annotations(call, dmcp_pack(call, "{s:f}", "priority", 1.0)));
    DMCP_TRY(dmcp_add_image(call, "image/png", "x", 1));
    DMCP_TRY(dmcp_set_meta(call, dmcp_pack(call, "{s:i}", "example.com/block", 2)));
    DMCP_TRY(dmcp_add_resource_text(call, "note://1", "text/plain", "a note"));
    DMCP_TRY(dmcp_set_annotations(call, dmcp_pack(call, "{s:[s]}", "audience", "user")));
    DMCP_TRY(dmcp_add_link_to(call, &(dmcp_link){ .uri = "note://2",
                                                  .name = "two",
                                                  .title = "Number two",
                                                  .description = "the second note",
                                                  .mime = "text/plain",
                                                  .icons = icons,
                                                  .size = 17 }));
    return dmcp_set_result_meta(call, dmcp_pack(call, "{s:s}", "example.com/result", "r"));
}

static int prompt(dmcp_call *call)
{
    DMCP_TRY(dmcp_set_annotations(call, dmcp_pack(call, "{s:[s]}", "audience", "assistant")));
    DMCP_TRY(dmcp_add_text(call, "Look at %s", dmcp_arg_str(call, "what")));
    return dmcp_set_result_meta(call, dmcp_pack(call, "{s:i}", "example.com/result", 1));
}

static int note(dmcp_call *call)
{
    DMCP_TRY(dmcp_set_meta(call, dmcp_pack(call, "{s:b}", "example.com/contents", 1)));
    DMCP_TRY(dmcp_add_text(call, "the note"));
    return dmcp_set_result_meta(call, dmcp_pack(call, "{s:i}", "example.com/result", 2));
}

#define META "{\"example.com/of\":\"definition\"}"
#define ANNOTATIONS "{\"audience\":[\"user\"],\"priority\":0.8,\"lastModified\":\"2025-01-12\"}"

static const dmcp_tool tool = {
    .name = "blocks",
    .title = "Dressed blocks",
    .description = "One block of each kind.",
    .annotations = "{\"title\":\"Blocks\",\"readOnlyHint\":true,\"openWorldHint\":false}",
    .meta = META,
    .handler = blocks,
    .icons = icons,
};

static const dmcp_prompt look = {
    .name = "look",
    .title = "Look at it",
    .description = "A look at something.",
    .args = (const dmcp_prompt_arg[]){ { .name = "what",
                                         .description = "what to look at",
                                         .required = true,
                                         .title = "Thing" },
                                       { .name = NULL } },
    .meta = META,
    .handler = prompt,
    .icons = icons,
};

static const dmcp_resource resources[] = {
    { .uri = "note://1",
      .name = "one",
      .title = "Number one",
      .description = "the first note",
      .annotations = ANNOTATIONS,
      .meta = META,
      .handler = note,
      .icons = icons,
      .size = 8 },
    { .uri = "note://{id}",
      .name = "any",
      .title = "Any number",
      .description = "notes by their number",
      .mime = "text/markdown",
      .annotations = ANNOTATIONS,
      .meta = META,
      .handler = note,
      .icons = icons },
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("dressed", "2.1.0");

    dmcp_server_set_info(server, &(dmcp_info){ .title = "Dressed server",
                                               .description = "says whatever can be said",
                                               .website = "https://example.com/dressed",
                                               .icons = icons });
    dmcp_server_set_instructions(server, "Look at everything.");
    dmcp_add_tool(server, &tool);
    dmcp_add_prompt(server, &look);
    dmcp_add_resource(server, &resources[0]);
    dmcp_add_resource(server, &resources[1]);
    return dmcp_server_main(server, argc, argv);
}
