/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The official JSON-Schema-Test-Suite: all required cases of draft 2020-12.
 *
 * The suite is not part of this project. It is looked for where the environment variable
 * JSON_SCHEMA_TEST_SUITE says, else in ../shared/json-schema-test-suite next to the project.
 */
#include "harness.h"

#include <dirent.h>

#include "base/limits.h"
#include "json/schema.h"

#define REMOTES "http://localhost:1234/"

/* Cases that are left out: "file: group: case", and why. */
static const struct {
    const char *name, *reason;
} left_out[] = {
    { NULL, NULL },
};

struct suite {
    char *folder;
    struct arena arena; /* the texts of remote documents */
    unsigned n_cases, n_failed;
};

static bool is_folder(const char *path)
{
    struct stat st;

    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static char *find_suite(void)
{
    static const char *const places[] = {
        "../shared/json-schema-test-suite", "../../shared/json-schema-test-suite",
        "../../../../shared/json-schema-test-suite", /* from the folder of the test program */
    };
    const char *path = getenv("JSON_SCHEMA_TEST_SUITE");

    if (path) {
        return is_folder(path) ? mem_strdup(path) : NULL;
    }
    for (size_t i = 0; !is_folder(path) && i < COUNT_OF(places); i++) {
        path = places[i];
    }
    return is_folder(path) ? mem_strdup(path) : NULL;
}

/* False when there is no such file. */
static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "r");
    char block[4096];
    size_t n;

    if (!file) {
        return false;
    }
    while ((n = fread(block, 1, sizeof(block), file)) > 0) {
        buf_add(out, block, n);
    }
    fclose(file);
    return buf_ok(out);
}

static int find_remote(void *arg, struct str uri, struct str *text_out)
{
    struct suite *s = arg;
    struct buf text;
    bool is_found;

    if (!str_starts(uri, STR(REMOTES))) {
        return DMCP_E_NOTFOUND;
    }
    buf_init(&text, MIB);
    is_found = read_file(arena_printf(&s->arena, "%s/remotes/%.*s", s->folder,
                                      (int)(uri.len - strlen(REMOTES)), uri.p + strlen(REMOTES)),
                         &text);
    if (is_found) {
        *text_out = str_make(arena_dup(&s->arena, text.data, text.len), text.len);
    }
    buf_fini(&text);
    return is_found ? 0 : DMCP_E_NOTFOUND;
}

static bool is_left_out(const char *name)
{
    for (size_t i = 0; left_out[i].name; i++) {
        if (strcmp(name, left_out[i].name) == 0) {
            printf("# left out: %s: %s\n", name, left_out[i].reason);
            return true;
        }
    }
    return false;
}

static void run_case(struct suite *s, const struct schema *schema, const char *group,
                     const yyjson_val *test)
{
    struct str description = json_get_str(test, "description");
    const char *name = arena_printf(&s->arena, "%s: %.*s", group, STR_FMT(description));
    bool is_valid = yyjson_is_true(json_get(test, "valid"));
    struct schema_error error = { "", "" };
    int rc, rc_without_words;

    if (is_left_out(name)) {
        return;
    }
    s->n_cases++;
    rc = schema_check(schema, json_get(test, "data"), &error);
    rc_without_words = schema_check(schema, json_get(test, "data"), NULL);
    if (rc != rc_without_words || (rc != 0 && rc != DMCP_E_INVALID) || (rc == 0) != is_valid) {
        printf("# %s: should be %s: %d %s\n", name, is_valid ? "valid" : "invalid", rc, error.text);
        s->n_failed++;
    }
    if (rc && getenv("VERBOSE")) {
        printf("# %s: %s: %s\n", name, error.path, error.text);
    }
}

static void run_group(struct suite *s, const char *file, const yyjson_val *group)
{
    struct schema_resolver remotes = { find_remote, s };
    struct str description = json_get_str(group, "description");
    const char *name = arena_printf(&s->arena, "%s: %.*s", file, STR_FMT(description));
    yyjson_arr_iter iter = yyjson_arr_iter_with(json_get(group, "tests"));
    struct schema *schema = NULL;
    yyjson_val *test;
    struct buf text;
    struct err e;

    buf_init(&text, MIB);
    json_write(&text, json_get(group, "schema"));
    if (schema_compile(buf_str(&text), &remotes, &schema, &e)) {
        printf("# %s: the schema is refused: %s\n", name, e.text);
        s->n_failed++;
    }
    while (schema && (test = yyjson_arr_iter_next(&iter))) {
        run_case(s, schema, name, test);
    }
    schema_free(schema);
    buf_fini(&text);
}

static void run_file(struct suite *s, const char *file)
{
    const char *path = arena_printf(&s->arena, "%s/tests/draft2020-12/%s", s->folder, file);
    yyjson_arr_iter iter;
    yyjson_val *group;
    yyjson_doc *doc;
    struct buf text;

    buf_init(&text, MIB);
    assert_true(read_file(path, &text));
    assert_int_equal(json_read(buf_str(&text), &doc, NULL), 0);
    iter = yyjson_arr_iter_with(doc->root);
    while ((group = yyjson_arr_iter_next(&iter))) {
        run_group(s, file, group);
    }
    yyjson_doc_free(doc);
    buf_fini(&text);
}

static int is_case_file(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

TEST(schema, all_required_cases_of_the_official_suite_are_decided_as_it_says)
{
    struct suite s = { .folder = find_suite() };
    struct dirent **files;
    int n_files;

    if (!s.folder) {
        test_skip("JSON-Schema-Test-Suite, in the folder that JSON_SCHEMA_TEST_SUITE names");
    }
    arena_init(&s.arena);
    n_files = scandir(arena_printf(&s.arena, "%s/tests/draft2020-12", s.folder), &files,
                      is_case_file, alphasort);
    assert_true(n_files > 40);
    for (int i = 0; i < n_files; i++) {
        run_file(&s, files[i]->d_name);
        free(files[i]);
    }
    free(files);
    printf("# %u cases in %d files, %u failed\n", s.n_cases, n_files, s.n_failed);
    arena_fini(&s.arena);
    mem_free(s.folder);
    assert_true(s.n_cases > 1000);
    assert_int_equal(s.n_failed, 0);
}

RUN_TESTS()
