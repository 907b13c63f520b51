/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading options. See options.h.
 */
#include "server/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"

enum option_type { OPTION_TEXT, OPTION_COUNT, OPTION_BYTES, OPTION_DURATION, OPTION_LEVEL,
                   OPTION_VALIDATION, OPTION_FLAG };

struct option {
    const char *name;
    enum option_type type;
    size_t offset; /* in struct options */
    const char *fallback;
    uint64_t min, max; /* numbers: in units, bytes or milliseconds */
    const char *help;
};

#define AT(field) offsetof(struct options, field)
#define DAY_MS UINT64_C(86400000)
#define READ_BYTES 4096u

static const struct option table[] = {
    { "listen", OPTION_TEXT, AT(listen), "127.0.0.1:9991", 0, 0, "address and port to listen on" },
    { "path", OPTION_TEXT, AT(path), "/mcp", 0, 0, "path of the MCP endpoint" },
    { "store", OPTION_TEXT, AT(store), "dmcp-store", 0, 0,
      "directory of the store (made when it is not there), or memory:" },
    { "workers", OPTION_COUNT, AT(workers), "16", 1, 1024, "threads that run tools" },
    { "log-level", OPTION_LEVEL, AT(log_level), "warning", 0, 0, "error, warning, info or debug" },
    { "max-body", OPTION_BYTES, AT(max_body_bytes), "4M", 1024, 1 << 30, "largest request body" },
    { "max-input", OPTION_BYTES, AT(max_input_bytes), "256M", 1024, UINT64_C(1) << 40,
      "bytes of all requests that arrive or wait for an answer; over it bodies wait" },
    { "max-connections", OPTION_COUNT, AT(max_connections), "10000", 1, 1000000,
      "connections at a time; more get 503" },
    { "max-calls", OPTION_COUNT, AT(max_calls), "10000", 1, 10000000,
      "unfinished calls at a time; more get 503" },
    { "max-sessions", OPTION_COUNT, AT(max_sessions), "1000000", 1, 100000000,
      "sessions in the store; more get 503" },
    { "session-idle", OPTION_DURATION, AT(session_idle_ms), "7d", 1000, 3650 * DAY_MS,
      "a session unused for so long is gone" },
    { "keep-calls", OPTION_DURATION, AT(keep_calls_ms), "7d", 1000, 3650 * DAY_MS,
      "a finished call and its answer are kept for so long" },
    { "keep-events", OPTION_DURATION, AT(keep_events_ms), "1d", 1000, 3650 * DAY_MS,
      "an event of a session's own stream is kept for so long after it was sent" },
    { "keep-keys", OPTION_DURATION, AT(key_ms), "7d", 1000, 3650 * DAY_MS,
      "an idempotency key counts for so long behind the end of its call" },
    { "page", OPTION_COUNT, AT(page_entries), "1000", 1, 1000000,
      "entries of a list (of tools, prompts, resources) that a client gets at a time" },
    { "stop-within", OPTION_DURATION, AT(stop_ms), "10s", 0, DAY_MS,
      "at the end, wait so long for running tools" },
    { "allow-origin", OPTION_TEXT, AT(allow_origin), "", 0, 0,
      "comma-separated Origins besides loopback, * for all" },
    { "allow-host", OPTION_TEXT, AT(allow_host), "", 0, 0,
      "comma-separated Host names besides loopback, * for all" },
    { "validate-effects", OPTION_VALIDATION, AT(validation), "off", 0, 0,
      "run what succeeds a second time, to find what a crash would change: off, quiet (log it) or "
      "on (fail the call, for tests)" },
    { "stdio", OPTION_FLAG, AT(is_stdio), "", 0, 0,
      "speak with the program that started it by stdin and stdout, and listen on no port" },
    { "no-supervisor", OPTION_FLAG, AT(no_supervisor), "", 0, 0,
      "run in one process, for a debugger; a crash then ends the server" },
};

/* ---- values ---- */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit byte_units[] = { { "", 1 }, { "K", KIB }, { "M", MIB },
                                          { "G", UINT64_C(1) << 30 }, { NULL, 0 } };
static const struct unit time_units[] = { { "ms", 1 },        { "s", 1000 },   { "m", 60000 },
                                          { "h", 3600000 },   { "d", DAY_MS }, { NULL, 0 } };
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

static int parse_number(const struct option *o, const char *text, uint64_t *value_out,
                        struct err *e)
{
    const struct unit *units = o->type == OPTION_BYTES      ? byte_units
                               : o->type == OPTION_DURATION ? time_units
                                                            : no_units;
    const char *form = o->type == OPTION_BYTES      ? "a number of bytes, with K, M or G"
                       : o->type == OPTION_DURATION ? "a time like 500ms, 10s, 5m, 2h or 7d"
                                                    : "a number";
    size_t n_digits = strspn(text, "0123456789");
    uint64_t value;

    for (const struct unit *u = units; u->name; u++) {
        if (strcmp(text + n_digits, u->name) == 0 &&
            str_to_u64(str_make(text, n_digits), UINT64_MAX / u->factor, &value) == DMCP_OK) {
            value *= u->factor;
            if (value < o->min || value > o->max) {
                return err_set(e, DMCP_E_INVALID, "--%s: %s is out of range", o->name, text);
            }
            *value_out = value;
            return DMCP_OK;
        }
    }
    return err_set(e, DMCP_E_INVALID, "--%s: \"%s\" is not %s", o->name, text, form);
}

static int parse_validation(const struct option *o, const char *text, enum validation_mode *mode_out,
                            struct err *e)
{
    static const char *const names[] = { [VALIDATE_OFF] = "off",
                                         [VALIDATE_QUIET] = "quiet",
                                         [VALIDATE_ON] = "on" };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode_out = (enum validation_mode)i;
            return DMCP_OK;
        }
    }
    return err_set(e, DMCP_E_INVALID, "--%s: \"%s\" is not off, quiet or on", o->name, text);
}

static int set(struct options *options, const struct option *o, const char *text, struct err *e)
{
    void *at = (char *)options + o->offset;

    switch (o->type) {
    case OPTION_TEXT:
        *(const char **)at = arena_dup(&options->arena, text, strlen(text));
        return DMCP_OK;
    case OPTION_FLAG:
        *(bool *)at = strcmp(text, "") != 0 && strcmp(text, "0") != 0 && strcmp(text, "no") != 0;
        return DMCP_OK;
    case OPTION_LEVEL:
        if (log_level_parse(text, at) != DMCP_OK) {
            return err_set(e, DMCP_E_INVALID, "--%s: \"%s\" is not error, warning, info or debug",
                           o->name, text);
        }
        return DMCP_OK;
    case OPTION_VALIDATION:
        return parse_validation(o, text, at, e);
    case OPTION_COUNT:
    case OPTION_BYTES:
    case OPTION_DURATION:
        return parse_number(o, text, at, e);
    }
    return DMCP_OK;
}

static const struct option *find(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (str_eqz(name, table[i].name)) {
            return &table[i];
        }
    }
    return NULL;
}

/* ---- sources, the weakest first ---- */

static int read_fallbacks(struct options *o, struct err *e)
{
    int rc = DMCP_OK;

    for (size_t i = 0; i < COUNT_OF(table) && rc == DMCP_OK; i++) {
        rc = set(o, &table[i], table[i].fallback, e);
    }
    return rc;
}

static int read_line(struct options *o, const char *file, int number, struct str line,
                     struct err *e)
{
    const char *equals;
    const struct option *option;
    struct str name, value;

    while (line.len > 0 && isspace((unsigned char)line.p[line.len - 1])) {
        line.len--;
    }
    line = str_trim(line);
    if (line.len == 0 || line.p[0] == '#') {
        return DMCP_OK;
    }
    if (memchr(line.p, 0, line.len)) {
        return err_set(e, DMCP_E_INVALID, "%s:%d: a NUL byte", file, number);
    }
    equals = memchr(line.p, '=', line.len);
    if (!equals) {
        return err_set(e, DMCP_E_INVALID, "%s:%d: expected name = value", file, number);
    }
    name = str_trim(str_make(line.p, (size_t)(equals - line.p)));
    value = str_trim(str_make(equals + 1, line.len - (size_t)(equals + 1 - line.p)));
    option = find(name);
    if (!option) {
        return err_set(e, DMCP_E_INVALID, "%s:%d: unknown option \"%.*s\"", file, number,
                       STR_FMT(name));
    }
    if (set(o, option, arena_dup(&o->arena, value.p, value.len), e) != DMCP_OK) {
        return err_wrap(e, DMCP_E_INVALID, "%s:%d", file, number);
    }
    return DMCP_OK;
}

static int read_text(const char *name, struct buf *text, struct err *e)
{
    FILE *f = fopen(name, "r");
    char *room = NULL;
    size_t n = f ? 1 : 0;
    int rc = DMCP_OK;

    while (n > 0 && (room = buf_reserve(text, READ_BYTES)) != NULL) {
        n = fread(room, 1, READ_BYTES, f);
        buf_advance(text, n);
    }
    if (!f || ferror(f)) {
        rc = err_set(e, DMCP_E_INVALID, "--config: cannot read %s: %s", name, strerror(errno));
    } else if (!room || text->len > LIMIT_CONFIG_BYTES) {
        rc = err_set(e, DMCP_E_INVALID, "--config: %s is larger than %u bytes", name,
                     LIMIT_CONFIG_BYTES);
    }
    if (f) {
        fclose(f);
    }
    return rc;
}

static int read_file(struct options *o, const char *name, struct err *e)
{
    struct buf text;
    struct str rest, line;
    int number = 0, rc;

    buf_init(&text, LIMIT_CONFIG_BYTES + READ_BYTES);
    rc = read_text(name, &text, e);
    for (rest = buf_str(&text); rc == DMCP_OK && rest.len > 0;) {
        const char *end = memchr(rest.p, '\n', rest.len);

        line = str_make(rest.p, end ? (size_t)(end - rest.p) : rest.len);
        rest = str_make(line.p + line.len + (end != NULL), rest.len - line.len - (end != NULL));
        rc = read_line(o, name, ++number, line, e);
    }
    buf_fini(&text);
    return rc;
}

static int read_environment(struct options *o, struct err *e)
{
    int rc = DMCP_OK;

    for (size_t i = 0; i < COUNT_OF(table) && rc == DMCP_OK; i++) {
        char name[64] = "DMCP_";
        const char *value;
        size_t n = strlen(name);

        for (const char *c = table[i].name; *c; c++) {
            name[n++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        }
        name[n] = '\0';
        value = getenv(name);
        if (value && set(o, &table[i], value, e) != DMCP_OK) {
            rc = err_wrap(e, DMCP_E_INVALID, "%s", name);
        }
    }
    return rc;
}

/* What an option says that is given by its name alone; NULL: it needs a value. */
static const char *bare_value(const struct option *o)
{
    return o->type == OPTION_FLAG ? "yes" : o->type == OPTION_VALIDATION ? "on" : NULL;
}

/* One argument of the command line; *i is moved over what it takes. */
static int read_argument(struct options *o, int argc, char **argv, int *i, struct err *e)
{
    const char *arg = argv[*i], *equals = strchr(arg, '=');
    struct str name;
    const struct option *option;

    if (strncmp(arg, "--", 2) != 0) {
        return err_set(e, DMCP_E_INVALID, "unexpected argument \"%s\"", arg);
    }
    name = equals ? str_make(arg + 2, (size_t)(equals - arg - 2)) : str_of(arg + 2);
    option = find(name);
    if (!option) {
        return err_set(e, DMCP_E_INVALID, "unknown option \"%s\" (--help lists them)", arg);
    }
    if (bare_value(option) && !equals) {
        return set(o, option, bare_value(option), e);
    }
    if (equals) {
        return set(o, option, equals + 1, e);
    }
    if (*i + 1 >= argc) {
        return err_set(e, DMCP_E_INVALID, "%s needs a value", arg);
    }
    return set(o, option, argv[++*i], e);
}

/* --config is looked for first: the file is weaker than everything else. */
static const char *config_name(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0) {
            return argv[i] + 9;
        }
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            return argv[i + 1];
        }
    }
    return getenv("DMCP_CONFIG");
}

static int read_command_line(struct options *o, int argc, char **argv, struct err *e)
{
    int rc = DMCP_OK;

    for (int i = 1; i < argc && rc == DMCP_OK; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            o->is_help = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            o->is_version = true;
        } else if (strcmp(argv[i], "--config") == 0) {
            i++;
        } else if (strncmp(argv[i], "--config=", 9) != 0) {
            rc = read_argument(o, argc, argv, &i, e);
        }
    }
    return rc;
}

int options_read(struct options *o, int argc, char **argv, struct err *e)
{
    const char *config = config_name(argc, argv);
    int rc;

    *o = (struct options){ 0 };
    arena_init(&o->arena);
    rc = read_fallbacks(o, e);
    if (rc == DMCP_OK && config) {
        rc = read_file(o, config, e);
    }
    if (rc == DMCP_OK) {
        rc = read_environment(o, e);
    }
    if (rc == DMCP_OK) {
        rc = read_command_line(o, argc, argv, e);
    }
    if (rc == DMCP_OK && o->path[0] != '/') {
        rc = err_set(e, DMCP_E_INVALID, "--path: \"%s\" does not begin with /", o->path);
    }
    if (rc == DMCP_OK && o->is_stdio && o->no_supervisor) {
        rc = err_set(e, DMCP_E_INVALID, "--stdio needs the supervisor, which keeps stdin and stdout "
                                        "when the server process crashes: leave out "
                                        "--no-supervisor");
    }
    if (rc == DMCP_OK && o->key_ms > o->keep_calls_ms) {
        rc = err_set(e, DMCP_E_INVALID, "--keep-keys is longer than --keep-calls: a key that leads "
                                        "to no call would let a repeat run anew");
    }
    return rc;
}

void options_fini(struct options *o)
{
    arena_fini(&o->arena);
}

void options_help(const char *program, struct buf *out)
{
    buf_addf(out, "Usage: %s [options]\n\nOptions (each also as DMCP_NAME in the environment and as "
                  "`name = value`\nin the file that --config names):\n\n", program);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        char left[64];

        snprintf(left, sizeof(left), "--%s%s", table[i].name,
                 table[i].type == OPTION_FLAG         ? ""
                 : table[i].type == OPTION_VALIDATION ? "[=VALUE]"
                                                      : " VALUE");
        buf_addf(out, "  %-24s %s", left, table[i].help);
        if (table[i].fallback[0]) {
            buf_addf(out, " (default %s)", table[i].fallback);
        }
        buf_addz(out, "\n");
    }
    buf_addz(out, "  --config FILE            options from a file (weaker than the others)\n"
                  "  --help                   show this, and exit\n"
                  "  --version                show the server's name and version, and exit\n");
}
