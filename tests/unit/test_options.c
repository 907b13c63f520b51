/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: where they come from, their ranges, and files of them that are wrong.
 */
#include "harness.h"

#include "base/buf.h"
#include "base/limits.h"
#include "server/options.h"

struct result {
    struct options o;
    struct err e;
    int rc;
};

static struct result read_arguments(const char *const *args)
{
    struct result r = { .rc = 0 };
    char *argv[16] = { "program" };
    int argc = 1;

    for (; args[argc - 1]; argc++) {
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
    }
    r.rc = options_read(&r.o, argc, argv, &r.e);
    return r;
}

static void expect_refusal(const char *const *args, const char *part)
{
    struct result r = read_arguments(args);

    assert_int_equal(r.rc, DMCP_E_INVALID);
    if (!strstr(r.e.text, part)) {
        fail_msg("\"%s\" does not say \"%s\"", r.e.text, part);
    }
    options_fini(&r.o);
}

/* The path of a file with this text, which the next one overwrites. */
static const char *file_with(struct str text)
{
    static char path[300];
    FILE *f;

    snprintf(path, sizeof(path), "%s/options", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.p, 1, text.len, f), text.len);
    fclose(f);
    return path;
}

static void expect_file_refused(struct str text, const char *part)
{
    expect_refusal((const char *[]){ "--config", file_with(text), NULL }, part);
}

TEST(options, the_command_line_counts_before_the_environment_and_that_before_the_file)
{
    const char *path = file_with(STR("# ours\n\nworkers = 3\npath=/file\n store = memory: \r\n"));
    struct result r;

    setenv("DMCP_WORKERS", "4", 1);
    r = read_arguments((const char *[]){ "--config", path, "--path=/line", NULL });
    unsetenv("DMCP_WORKERS");
    assert_int_equal(r.rc, DMCP_OK);
    assert_int_equal(r.o.workers, 4);
    assert_string_equal(r.o.path, "/line");
    assert_string_equal(r.o.store, "memory:");
    assert_int_equal(r.o.max_input_bytes, LIMIT_INPUT_BYTES);
    assert_int_equal(r.o.max_body_bytes, LIMIT_BODY_BYTES);
    assert_int_equal(r.o.max_connections, LIMIT_CONNECTIONS);
    assert_int_equal(r.o.max_calls, LIMIT_CALLS_RUNNING);
    assert_int_equal(r.o.max_sessions, LIMIT_SESSIONS);
    options_fini(&r.o);
}

TEST(options, a_number_may_be_at_the_ends_of_its_range_and_not_beyond)
{
    static const struct {
        const char *lowest, *below, *highest, *above;
    } ranges[] = {
        { "--workers=1", "--workers=0", "--workers=1024", "--workers=1025" },
        { "--max-body=1K", "--max-body=1023", "--max-body=1G", "--max-body=1073741825" },
        { "--max-input=1K", "--max-input=1023", "--max-input=1024G", "--max-input=1025G" },
        { "--max-calls=1", "--max-calls=0", "--max-calls=10000000", "--max-calls=10000001" },
        { "--session-idle=1s", "--session-idle=999ms", "--session-idle=3650d",
          "--session-idle=3651d" },
        { "--stop-within=0s", "--stop-within=-1s", "--stop-within=1d", "--stop-within=86401s" },
    };

    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        const char *const good[] = { ranges[i].lowest, ranges[i].highest };

        for (size_t k = 0; k < COUNT_OF(good); k++) {
            struct result r = read_arguments((const char *[]){ good[k], NULL });

            assert_int_equal(r.rc, DMCP_OK);
            options_fini(&r.o);
        }
        expect_refusal((const char *[]){ ranges[i].below, NULL }, "--");
        expect_refusal((const char *[]){ ranges[i].above, NULL }, "is out of range");
    }
    expect_refusal((const char *[]){ "--max-calls=99999999999999999999", NULL }, "is not a number");
    expect_refusal((const char *[]){ "--max-body=99999999999G", NULL }, "is not a number of bytes");
}

TEST(options, a_file_that_is_wrong_is_refused_with_its_line)
{
    expect_file_refused(STR("workers = 3\nwrokers = 4\n"), "options:2: unknown option \"wrokers\"");
    expect_file_refused(STR("workers\n"), "options:1: expected name = value");
    expect_file_refused(STR("workers = many\n"), "options:1: --workers: \"many\" is not a number");
    expect_file_refused(STR("path = /a\0b\n"), "options:1: a NUL byte");
    expect_file_refused(STR("path = relative"), "--path");
}

TEST(options, a_line_is_one_line_however_long_it_is)
{
    struct buf text;

    buf_init(&text, 3 * MIB);
    buf_addz(&text, "path = /");
    for (size_t i = 0; i < 4096; i++) {
        buf_addz(&text, "workers = 0 ");
    }
    buf_addz(&text, "\nworkers = 9");
    {
        const char *path = file_with(buf_str(&text));
        struct result r = read_arguments((const char *[]){ "--config", path, NULL });

        assert_int_equal(r.rc, DMCP_OK);
        assert_int_equal(strlen(r.o.path), 1 + 4096 * 12 - 1);
        assert_int_equal(r.o.workers, 9);
        options_fini(&r.o);
    }
    buf_fini(&text);
}

TEST(options, a_file_may_be_as_large_as_its_limit_and_no_larger)
{
    struct buf text;
    struct result r;

    buf_init(&text, 2 * MIB);
    while (text.len < LIMIT_CONFIG_BYTES) {
        buf_addc(&text, text.len % 64 ? '#' : '\n');
    }
    r = read_arguments((const char *[]){ "--config", file_with(buf_str(&text)), NULL });
    assert_int_equal(r.rc, DMCP_OK);
    options_fini(&r.o);
    buf_addc(&text, '\n');
    expect_file_refused(buf_str(&text), "is larger than");
    buf_fini(&text);
}

TEST(options, what_cannot_be_read_is_not_taken_for_an_empty_file)
{
    expect_refusal((const char *[]){ "--config", "/nowhere/options", NULL }, "cannot read");
    expect_refusal((const char *[]){ "--config", "/", NULL }, "cannot read /: Is a directory");
}

RUN_TESTS()
