/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on a store on disk and on the memory store beside it: they must agree on every
 * answer. SEED=n repeats a run, ROUNDS=n makes it longer.
 */
#include "fixture.h"
#include "random.h"

#define KEYS_PER_KIND 400

struct pair {
    struct store *disk, *model;
    char *dir;
    struct random r;
};

int child_main(const char *mode, const char *dir)
{
    (void)mode, (void)dir;
    return 1;
}

static uint64_t number_from(const char *variable, uint64_t fallback)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 0) : fallback;
}

/* ---- random things ---- */

struct random_key {
    char bytes[12];
    size_t len;
};

static struct str key_str_of(const struct random_key *k)
{
    return str_make(k->bytes, k->len);
}

/* Kinds of both families, some keys that are prefixes of others, and some odd ones. */
static struct random_key random_key(struct random *r)
{
    static const char kinds[] = "\x03\x05\x06\x0a\x0c\x20\xff";
    struct random_key k = { "", 0 };
    unsigned i = random_below(r, KEYS_PER_KIND);

    k.bytes[k.len++] = kinds[random_below(r, sizeof(kinds) - 1)];
    if (random_chance(r, 3)) {
        return k;
    }
    k.bytes[k.len++] = (char)(i >> 4);
    k.bytes[k.len++] = (char)(i << 4);
    while (random_chance(r, 20) && k.len < sizeof(k.bytes)) {
        k.bytes[k.len++] = random_chance(r, 50) ? '\0' : '\xff';
    }
    return k;
}

static struct str random_value(struct random *r, char *space, size_t n)
{
    size_t len = random_chance(r, 10) ? 0 : random_below(r, random_chance(r, 5) ? (uint32_t)n : 40);

    random_fill(r, space, len);
    return str_make(space, len);
}

static void random_batch(struct random *r, struct batch *b)
{
    char space[4000];

    batch_reset(b);
    for (unsigned n = random_below(r, 12); n > 0; n--) {
        struct random_key from = random_key(r), to = random_key(r);
        unsigned choice = random_below(r, 100);

        if (choice < 70) {
            batch_put(b, key_str_of(&from), random_value(r, space, sizeof(space)));
        } else if (choice < 97) {
            batch_del(b, key_str_of(&from));
        } else if (choice < 99) { /* a short one */
            to = from;
            to.bytes[to.len - 1] = (char)(to.bytes[to.len - 1] + 4);
            batch_del_range(b, key_str_of(&from), key_str_of(&to));
        } else {
            batch_del_range(b, key_str_of(&from), key_str_of(&to));
        }
    }
}

/* ---- agreement ---- */

static void expect_same_get(struct pair *p)
{
    struct random_key k = random_key(&p->r);
    struct buf a, b;
    struct err e;
    int rc;

    buf_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    rc = store_get(p->model, key_str_of(&k), &a, &e);
    assert_int_equal(store_get(p->disk, key_str_of(&k), &b, &e), rc);
    assert_true(str_eq(buf_str(&a), buf_str(&b)));
    buf_fini(&a);
    buf_fini(&b);
}

static void expect_same_cursors(struct cursor *model, struct cursor *disk, unsigned n_max)
{
    struct str ka, va, kb, vb;
    struct err e;
    int rc = DMCP_OK;

    while (rc == DMCP_OK && n_max-- > 0) {
        rc = cursor_next(model, &ka, &va, &e);
        assert_int_equal(cursor_next(disk, &kb, &vb, &e), rc);
        if (rc == DMCP_OK) {
            assert_true(str_eq(ka, kb));
            assert_true(str_eq(va, vb));
        }
    }
}

static struct range random_range(struct random *r, struct random_key *from, struct random_key *to)
{
    *from = random_key(r);
    *to = random_key(r);
    return (struct range){ .from = random_chance(r, 20) ? STR_NONE : key_str_of(from),
                           .to = random_chance(r, 20) ? STR_NONE : key_str_of(to),
                           .is_reverse = random_chance(r, 50) };
}

/* The cursors stay open over some writes, half read. */
static void expect_same_scan(struct pair *p, unsigned n_writes)
{
    struct random_key from, to;
    struct range range = random_range(&p->r, &from, &to);
    struct cursor *model = store_scan(p->model, &range), *disk = store_scan(p->disk, &range);
    struct batch b;

    batch_init(&b);
    expect_same_cursors(model, disk, random_below(&p->r, 20));
    while (n_writes-- > 0) {
        random_batch(&p->r, &b);
        must_write(p->model, &b);
        must_write(p->disk, &b);
    }
    expect_same_cursors(model, disk, UINT32_MAX);
    cursor_close(model);
    cursor_close(disk);
    batch_fini(&b);
}

static void one_round(struct pair *p)
{
    struct batch b;

    batch_init(&b);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t on_model, on_disk;

        random_batch(&p->r, &b);
        on_model = must_write(p->model, &b);
        on_disk = must_write(p->disk, &b);
        if (random_chance(&p->r, 5)) {
            must_sync(p->model, on_model);
            must_sync(p->disk, on_disk);
        }
        expect_same_get(p);
        if (random_chance(&p->r, 10)) {
            expect_same_scan(p, random_below(&p->r, 5));
        }
    }
    batch_fini(&b);
}

TEST(model, agrees_with_the_store_on_disk_about_every_answer)
{
    struct pair p = { .dir = test_dir(), .r = { number_from("SEED", 20250711) } };
    uint64_t rounds = number_from("ROUNDS", 20);
    struct err e;

    printf("# SEED=%llu\n", (unsigned long long)p.r.state);
    assert_int_equal(store_open("memory:", &p.model, &e), DMCP_OK);
    for (uint64_t i = 0; i < rounds; i++) {
        p.disk = must_open(p.dir);
        one_round(&p);
        store_close(p.disk);
    }
    p.disk = must_open(p.dir);
    expect_same_scan(&p, 0);
    store_close(p.disk);
    store_close(p.model);
    free(p.dir);
}

RUN_TESTS()
