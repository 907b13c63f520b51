/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a store with another's rows: nobody takes half of it for a store.
 */
#include "fixture.h"

#include "store/fill.h"
#include "store/keys.h"

static struct err err;

int child_main(const char *mode, const char *dir)
{
    (void)mode;
    (void)dir;
    return 1; /* no test here needs another process */
}

static void put_in_map(struct store *s, const char *map_key)
{
    struct key k = key_map(STR("m"), str_of(map_key));
    uint64_t position;
    struct batch b;

    batch_init(&b);
    batch_put(&b, key_str(&k), STR("value"));
    assert_int_equal(store_write(s, &b, &position, &err), DMCP_OK);
    batch_fini(&b);
}

static bool is_in_map(struct store *s, const char *map_key)
{
    struct key k = key_map(STR("m"), str_of(map_key));
    struct buf value;
    int rc;

    buf_init(&value, 64);
    rc = store_get(s, key_str(&k), &value, &err);
    buf_fini(&value);
    return rc == DMCP_OK;
}

static int open_code(const char *dir)
{
    struct store *s;
    int rc = store_open(dir, &s, &err);

    if (rc == DMCP_OK) {
        store_close(s);
    }
    return rc;
}

static struct store *begin(const char *dir)
{
    struct store *s = NULL;

    assert_int_equal(store_fill_begin(dir, &s, &err), DMCP_OK);
    return s;
}

TEST(fill, makes_a_store_out_of_nothing)
{
    char *dir = test_dir();
    struct store *s = begin(dir);

    put_in_map(s, "a");
    assert_int_equal(store_fill_end(s, &err), DMCP_OK);
    store_close(s);
    assert_int_equal(store_open(dir, &s, &err), DMCP_OK);
    assert_true(is_in_map(s, "a"));
    store_close(s);
    free(dir);
}

TEST(fill, leaves_nothing_that_opens_as_a_store_before_its_end)
{
    char *dir = test_dir();
    struct store *s = begin(dir);

    put_in_map(s, "a");
    store_close(s);
    assert_int_equal(open_code(dir), DMCP_E_CORRUPT);
    assert_non_null(strstr(err.text, "import it again"));
    free(dir);
}

TEST(fill, begins_anew_where_an_earlier_one_was_cut_short)
{
    char *dir = test_dir();
    struct store *s = begin(dir);

    put_in_map(s, "old");
    store_close(s);
    s = begin(dir);
    put_in_map(s, "new");
    assert_int_equal(store_fill_end(s, &err), DMCP_OK);
    store_close(s);
    assert_int_equal(store_open(dir, &s, &err), DMCP_OK);
    assert_false(is_in_map(s, "old"));
    assert_true(is_in_map(s, "new"));
    store_close(s);
    free(dir);
}

TEST(fill, leaves_a_store_alone_that_holds_something)
{
    char *dir = test_dir();
    struct store *s = NULL;

    assert_int_equal(store_open(dir, &s, &err), DMCP_OK);
    put_in_map(s, "a");
    store_close(s);
    assert_int_equal(store_fill_begin(dir, &s, &err), DMCP_E_CONFLICT);
    assert_int_equal(store_open(dir, &s, &err), DMCP_OK);
    assert_true(is_in_map(s, "a"));
    store_close(s);
    free(dir);
}

TEST(fill, takes_a_store_that_was_opened_and_never_used)
{
    char *dir = test_dir();
    struct store *s;

    assert_int_equal(open_code(dir), DMCP_OK);
    s = begin(dir);
    assert_int_equal(store_fill_end(s, &err), DMCP_OK);
    store_close(s);
    assert_int_equal(open_code(dir), DMCP_OK);
    free(dir);
}

TEST(fill, does_not_take_a_store_that_is_in_use)
{
    char *dir = test_dir();
    struct store *s = NULL, *other = NULL;

    assert_int_equal(store_open(dir, &s, &err), DMCP_OK);
    assert_int_equal(store_fill_begin(dir, &other, &err), DMCP_E_LOCKED);
    store_close(s);
    free(dir);
}

RUN_TESTS()
