/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that the official conformance suite and foreign clients are run against: one tool
 * for each thing that a tool can do, named and answering as the suite expects.
 */
#include <dmcp.h>
#include <stdint.h>
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

int main(int argc, char **argv)
{
    dmcp_server *server = dmcp_server_new("everything", "1.0.0");

    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        dmcp_add_tool(server, &tools[i]);
    }
    return dmcp_server_main(server, argc, argv);
}
