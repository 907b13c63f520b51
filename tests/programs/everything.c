/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that the official conformance suite and foreign clients are run against: one tool
 * for each thing that a tool can do, named and answering as the suite expects.
 */
#include <dmcp.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

static const unsigned char png[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
    0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00,
    0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78,
    0xda, 0x63, 0xfc, 0xcf, 0xc0, 0xf0, 0x1f, 0x00, 0x05, 0x05, 0x02, 0x00, 0x5f, 0xc8,
    0xf1, 0xd2, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

static const unsigned char wav[] = {
    0x52, 0x49, 0x46, 0x46, 0x26, 0x00, 0x00, 0x00, 0x57, 0x41, 0x56, 0x45, 0x66, 0x6d, 0x74,
    0x20, 0x10, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x40, 0x1f, 0x00, 0x00, 0x00, 0x7d,
    0x00, 0x00, 0x02, 0x00, 0x10, 0x00, 0x64, 0x61, 0x74, 0x61, 0x02, 0x00, 0x00, 0x00,
};

static void pause_ms(int ms)
{
    const struct timespec t = { .tv_nsec = (long)ms * 1000000 };

    nanosleep(&t, NULL);
}

static int simple_text(dmcp_call *call)
{
    return dmcp_add_text(call, "This is a simple text response for testing.");
}

static int image_content(dmcp_call *call)
{
    return dmcp_add_image(call, "image/png", png, sizeof(png));
}

static int audio_content(dmcp_call *call)
{
    return dmcp_add_audio(call, "audio/wav", wav, sizeof(wav));
}

static int embedded_resource(dmcp_call *call)
{
    return dmcp_add_resource_text(call, "test://embedded-resource", "text/plain",
                                  "This is an embedded resource content.");
}

static int multiple_content_types(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_text(call, "Multiple content types test:"));
    DMCP_TRY(dmcp_add_image(call, "image/png", png, sizeof(png)));
    return dmcp_add_resource_text(call, "test://mixed-content-resource", "application/json",
                                  "{\"test\":\"data\",\"value\":123}");
}

static int error_handling(dmcp_call *call)
{
    return dmcp_reply_error(call, "This tool intentionally returns an error for testing");
}

static int tool_with_progress(dmcp_call *call)
{
    for (int percent = 0; percent <= 100; percent += 50) {
        DMCP_TRY(dmcp_progress(call, percent, 100, NULL));
        pause_ms(50);
    }
    return dmcp_add_text(call, "Progress was reported.");
}

static int tool_with_logging(dmcp_call *call)
{
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "Tool execution started"));
    pause_ms(50);
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "Tool processing data"));
    pause_ms(50);
    DMCP_TRY(dmcp_log(call, DMCP_LOG_INFO, NULL, "Tool execution completed"));
    return dmcp_add_text(call, "Log messages were sent.");
}

static int trigger_tool_change(dmcp_call *call)
{
    DMCP_TRY(dmcp_list_changed(call, DMCP_TOOLS, "asked for by the client"));
    return dmcp_add_text(call, "Tools were announced as changed.");
}

static int json_schema_tool(dmcp_call *call)
{
    return dmcp_add_text(call, "The arguments are valid.");
}

/* The client is to come back for the result. */
static int reconnection(dmcp_call *call)
{
    dmcp_close_stream(call);
    pause_ms(100);
    return dmcp_add_text(call, "The stream was closed, and the result came all the same.");
}

static int touch_watched(dmcp_call *call)
{
    DMCP_TRY(dmcp_resource_updated(call, "test://watched-resource", NULL));
    return dmcp_add_text(call, "Subscribers were told.");
}

static int sampling(dmcp_call *call)
{
    const dmcp_value *answer;
    dmcp_value *params =
        dmcp_pack(call, "{s:[{s:s, s:{s:s, s:s}}], s:i}", "messages", "role", "user", "content",
                  "type", "text", "text", dmcp_arg_str(call, "prompt"), "maxTokens", 100);

    DMCP_TRY(dmcp_sample(call, "ask", params, 0, &answer));
    return dmcp_add_text(call, "LLM response: %s",
                         dmcp_str(dmcp_get(dmcp_get(answer, "content"), "text")));
}

static int elicit_with(dmcp_call *call, const char *message, const char *schema)
{
    static const char *const names[] = { "accept", "decline", "cancel" };
    const dmcp_question question = { .alias = "ask", .message = message, .schema = schema };
    const dmcp_value *content;
    dmcp_action action;

    DMCP_TRY(dmcp_elicit(call, &question, &action, &content));
    return dmcp_add_text(call, "User response: action=%s, content=%s", names[action],
                         dmcp_json_text(call, content));
}

static int elicitation(dmcp_call *call)
{
    return elicit_with(call, dmcp_arg_str(call, "message"),
                       "{\"type\":\"object\",\"properties\":{\"response\":{\"type\":\"string\","
                       "\"description\":\"User's response\"}},\"required\":[\"response\"]}");
}

static int elicitation_defaults(dmcp_call *call)
{
    return elicit_with(
        call, "Please review and update the form fields with defaults",
        "{\"type\":\"object\",\"properties\":{"
        "\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
        "\"age\":{\"type\":\"integer\",\"default\":30},"
        "\"score\":{\"type\":\"number\",\"default\":95.5},"
        "\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"inactive\",\"pending\"],"
        "\"default\":\"active\"},"
        "\"verified\":{\"type\":\"boolean\",\"default\":true}},\"required\":[]}");
}

static int elicitation_enums(dmcp_call *call)
{
    return elicit_with(
        call, "Please select options from the enum fields",
        "{\"type\":\"object\",\"properties\":{"
        "\"untitledSingle\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\",\"option3\"]},"
        "\"titledSingle\":{\"type\":\"string\",\"oneOf\":["
        "{\"const\":\"value1\",\"title\":\"First Option\"},"
        "{\"const\":\"value2\",\"title\":\"Second Option\"},"
        "{\"const\":\"value3\",\"title\":\"Third Option\"}]},"
        "\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
        "\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]},"
        "\"untitledMulti\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
        "\"enum\":[\"option1\",\"option2\",\"option3\"]}},"
        "\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":["
        "{\"const\":\"value1\",\"title\":\"First Choice\"},"
        "{\"const\":\"value2\",\"title\":\"Second Choice\"},"
        "{\"const\":\"value3\",\"title\":\"Third Choice\"}]}}},\"required\":[]}");
}

static int add(dmcp_call *call)
{
    return dmcp_reply(call, "I", dmcp_arg_int(call, "a") + dmcp_arg_int(call, "b"));
}

static const char json_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
    "\"$defs\":{\"address\":{\"$anchor\":\"addressDef\",\"type\":\"object\",\"properties\":{"
    "\"street\":{\"type\":\"string\"},\"city\":{\"type\":\"string\"}}}},"
    "\"properties\":{\"name\":{\"type\":\"string\"},\"address\":{\"$ref\":\"#/$defs/address\"},"
    "\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},"
    "\"phone\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}},"
    "\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{\"required\":[\"email\"]}]}],"
    "\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},"
    "\"required\":[\"contactMethod\"]},\"then\":{\"required\":[\"phone\"]},"
    "\"else\":{\"required\":[\"email\"]},\"additionalProperties\":false}";

static const dmcp_param add_params[] = {
    { .name = "a", .type = DMCP_INTEGER, .description = "one summand", .required = true },
    { .name = "b", .type = DMCP_INTEGER, .description = "the other", .required = true },
    { .name = NULL },
};

static const dmcp_tool tools[] = {
    { .name = "test_simple_text", .description = "A text.", .handler = simple_text },
    { .name = "test_image_content", .description = "An image.", .handler = image_content },
    { .name = "test_audio_content", .description = "Audio.", .handler = audio_content },
    { .name = "test_embedded_resource",
      .description = "A resource in the result.",
      .handler = embedded_resource },
    { .name = "test_multiple_content_types",
      .description = "Text, image and resource.",
      .handler = multiple_content_types },
    { .name = "test_error_handling", .description = "A tool error.", .handler = error_handling },
    { .name = "test_tool_with_progress",
      .description = "Progress notifications.",
      .handler = tool_with_progress },
    { .name = "test_tool_with_logging",
      .description = "Log notifications.",
      .handler = tool_with_logging },
    { .name = "test_trigger_tool_change",
      .description = "A list_changed notification.",
      .handler = trigger_tool_change },
    { .name = "test_reconnection",
      .description = "Closes its stream before the result.",
      .handler = reconnection },
    { .name = "test_touch_watched",
      .description = "Tells who subscribed to test://watched-resource.",
      .handler = touch_watched },
    { .name = "test_sampling",
      .description = "Asks the client's model.",
      .params = (const dmcp_param[]){ { .name = "prompt", .type = DMCP_STRING, .required = true },
                                      { .name = NULL } },
      .handler = sampling },
    { .name = "test_elicitation",
      .description = "Asks the user.",
      .params = (const dmcp_param[]){ { .name = "message", .type = DMCP_STRING, .required = true },
                                      { .name = NULL } },
      .handler = elicitation },
    { .name = "test_elicitation_sep1034_defaults",
      .description = "A form with defaults.",
      .handler = elicitation_defaults },
    { .name = "test_elicitation_sep1330_enums",
      .description = "A form with choices.",
      .handler = elicitation_enums },
    { .name = "json_schema_2020_12_tool",
      .description = "A schema with everything.",
      .input_schema = json_schema,
      .handler = json_schema_tool },
    { .name = "add", .description = "Add two integers.", .params = add_params, .handler = add },
    { .name = "peek",
      .description = "Add two integers, without the disk.",
      .params = add_params,
      .handler = add,
      .durability = DMCP_EPHEMERAL },
};

/* ---- resources ---- */

static int static_text(dmcp_call *call)
{
    return dmcp_add_text(call, "This is the content of the static text resource.");
}

static int static_binary(dmcp_call *call)
{
    return dmcp_add_resource_data(call, NULL, NULL, png, sizeof(png));
}

static int template_data(dmcp_call *call)
{
    const char *id = dmcp_arg_str(call, "id");
    const dmcp_value *data = dmcp_pack(call, "{s:s, s:b, s:s}", "id", id, "templateTest", 1, "data",
                                       dmcp_format(call, "Data for ID: %s", id));

    return dmcp_add_text(call, "%s", dmcp_json_text(call, data));
}

static const dmcp_resource resources[] = {
    { .uri = "test://static-text",
      .name = "Static Text Resource",
      .description = "A static text resource for testing",
      .handler = static_text },
    { .uri = "test://static-binary",
      .name = "Static Binary Resource",
      .description = "A static binary resource (image) for testing",
      .mime = "image/png",
      .handler = static_binary },
    { .uri = "test://watched-resource",
      .name = "Watched Resource",
      .description = "A resource that can be subscribed to",
      .handler = static_text },
    { .uri = "test://template/{id}/data",
      .name = "Resource Template",
      .description = "A resource template with parameter substitution",
      .mime = "application/json",
      .handler = template_data },
};

/* ---- prompts ---- */

static int simple_prompt(dmcp_call *call)
{
    return dmcp_add_text(call, "This is a simple prompt for testing.");
}

static int prompt_with_arguments(dmcp_call *call)
{
    return dmcp_add_text(call, "Prompt with arguments: arg1='%s', arg2='%s'",
                         dmcp_arg_str(call, "arg1"), dmcp_arg_str(call, "arg2"));
}

static int complete_argument(dmcp_call *call)
{
    static const char *const known[] = { "paris", "park", "party", "rome" };
    const char *value = dmcp_arg_str(call, "value");

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(known[i], value, strlen(value)) == 0) {
            dmcp_suggest(call, known[i]);
        }
    }
    return DMCP_OK;
}

static int prompt_with_resource(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_resource_text(call, dmcp_arg_str(call, "resourceUri"), "text/plain",
                                    "Embedded resource content for testing."));
    return dmcp_add_text(call, "Please process the embedded resource above.");
}

static int prompt_with_image(dmcp_call *call)
{
    DMCP_TRY(dmcp_add_image(call, "image/png", png, sizeof(png)));
    return dmcp_add_text(call, "Please analyze the image above.");
}

static const dmcp_prompt prompts[] = {
    { .name = "test_simple_prompt", .description = "A prompt.", .handler = simple_prompt },
    { .name = "test_prompt_with_arguments",
      .description = "A prompt with arguments.",
      .args = (const dmcp_prompt_arg[]){
          { .name = "arg1", .description = "First test argument", .required = true },
          { .name = "arg2", .description = "Second test argument", .required = true },
          { .name = NULL } },
      .handler = prompt_with_arguments,
      .complete = complete_argument },
    { .name = "test_prompt_with_embedded_resource",
      .description = "A prompt with a resource in it.",
      .args = (const dmcp_prompt_arg[]){
          { .name = "resourceUri", .description = "URI of the resource", .required = true },
          { .name = NULL } },
      .handler = prompt_with_resource },
    { .name = "test_prompt_with_image",
      .description = "A prompt with an image.",
      .handler = prompt_with_image },
};

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("everything", "1.0.0");

    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        dmcp_add_tool(server, &tools[i]);
    }
    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
        dmcp_add_resource(server, &resources[i]);
    }
    for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
        dmcp_add_prompt(server, &prompts[i]);
    }
    return dmcp_server_main(server, argc, argv);
}
