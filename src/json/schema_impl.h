/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the JSON Schema implementation share. Nobody else includes this.
 *
 *   document   one JSON text; its values live as long as the schema
 *   resource   part of a document with its own $id: the scope of its anchors
 *   node       one schema: an object with its keywords, or true, or false
 *   keyword    one keyword's compiled form, or that of several which depend on each other
 *   kind       what keywords of one name have in common: how to compile and check them
 *
 * Compiling (struct compiler) makes a node of every schema that stands where the vocabularies put
 * one, and afterwards resolves references, which may load more documents and make more nodes until
 * none is left. Checking (struct check) walks nodes and the value together.
 */
#ifndef JSON_SCHEMA_IMPL_H
#define JSON_SCHEMA_IMPL_H

#include "base/hmap.h"
#include "base/limits.h"
#include "json/schema.h"

struct check;
struct compiler;
struct marks;
struct pattern;

/* ---- The compiled schema ---- */

enum vocabulary {
    VOCABULARY_CORE = 1,
    VOCABULARY_APPLICATOR = 2,
    VOCABULARY_UNEVALUATED = 4,
    VOCABULARY_VALIDATION = 8,
    VOCABULARY_ALL = 15,
};

struct schema_document {
    struct schema_document *next;
    yyjson_doc *doc;
    struct schema_node **nodes; /* by the place of their value in the document, or NULL */
};

struct schema_resource {
    struct schema_resource *next;
    struct schema_document *document;
    struct str uri; /* without fragment */
    const yyjson_val *root;
    unsigned vocabularies;
    struct hmap anchors;         /* name -> node */
    struct hmap dynamic_anchors; /* the same, those of $dynamicAnchor only */
};

enum node_kind { NODE_KEYWORDS, NODE_TRUE, NODE_FALSE };

struct schema_node {
    struct schema_resource *resource;
    const yyjson_val *value;
    const struct keyword *keywords; /* in the order in which they are checked */
    enum node_kind kind;
    bool has_unevaluated;       /* one of its keywords asks what the others have evaluated */
    unsigned char search_state; /* of the search for loops */
};

struct schema {
    struct arena arena;
    struct schema_document *documents;
    struct schema_resource *resources;
    struct pattern *patterns;
    const struct schema_node *root;
};

/* The types of values, as bits. */
enum value_type {
    TYPE_NULL = 1,
    TYPE_BOOLEAN = 2,
    TYPE_NUMBER = 4,
    TYPE_STRING = 8,
    TYPE_ARRAY = 16,
    TYPE_OBJECT = 32,
    TYPE_ANY = 63,
};

struct keyword_kind;

/* The first member of what a kind's compile function makes. */
struct keyword {
    const struct keyword_kind *kind;
    const struct keyword *next;
    const struct schema_node *
        *always; /* the schemas that it applies to the same value in any case */
    size_t n_always;
};

struct keyword_kind {
    const char *name;
    enum vocabulary vocabulary;
    unsigned types; /* of the values that it concerns */

    /* Called when the keyword is there; `siblings` is the object it stands in. *out stays NULL when
     * it can never fail. */
    int (*compile)(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                   const yyjson_val *value, struct keyword **out);

    /* SCHEMA_VALID, SCHEMA_MISMATCH or a negative error that ends the whole check. */
    int (*check)(struct check *c, const struct keyword *k, const yyjson_val *instance,
                 struct marks *marks);
};

/* By noun; each ends with a kind that has no name. Keywords are checked in this order. */
extern const struct keyword_kind schema_value_keywords[];
extern const struct keyword_kind schema_number_keywords[];
extern const struct keyword_kind schema_string_keywords[];
extern const struct keyword_kind schema_array_keywords[];
extern const struct keyword_kind schema_object_keywords[];
extern const struct keyword_kind schema_required_keywords[];
extern const struct keyword_kind schema_ref_keywords[];
extern const struct keyword_kind schema_logic_keywords[];
extern const struct keyword_kind schema_unevaluated_keywords[]; /* these look at what was before */

/* ---- Compiling ---- */

struct compiler {
    struct schema *schema;
    const struct schema_resolver *remotes;
    struct err *err;
    struct hmap by_uri;          /* URI -> resource */
    struct ref_keyword *pending; /* references to resolve */
    unsigned n_documents;
};

void *schema_alloc(struct compiler *c, size_t size); /* zeroed, lives as long as the schema */

/* A new keyword of `size` bytes, at *out. */
void *schema_keyword_new(struct compiler *c, size_t size, struct keyword **out);

/* The node of a value that is a schema, made now if it was not before. `parent` is the resource
 * around it. */
int schema_compile_node(struct compiler *c, struct schema_resource *parent, const yyjson_val *value,
                        const struct schema_node **out) MUST_CHECK;
/* An array of at least one schema. */
int schema_compile_nodes(struct compiler *c, struct schema_node *parent, const yyjson_val *value,
                         const struct schema_node ***out, size_t *n_out) MUST_CHECK;
/* A schema that is part of the node `parent`. */
int schema_compile_child(struct compiler *c, struct schema_node *parent, const yyjson_val *value,
                         const struct schema_node **out) MUST_CHECK;

/* An integer that is not negative; larger ones than size_t holds are as good as the largest. */
int schema_read_count(struct compiler *c, const yyjson_val *value, size_t *out) MUST_CHECK;
/* Keywords that are such a number: minItems, maxLength and the like. */
struct count_keyword {
    struct keyword keyword;
    size_t limit;
};
int schema_compile_count(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                         const yyjson_val *value, struct keyword **out) MUST_CHECK;
/* An array of strings. */
int schema_read_names(struct compiler *c, const yyjson_val *value, const struct str **out,
                      size_t *n_out) MUST_CHECK;

/* Sets the error, with the place of the value in front: DMCP_E_INVALID. */
int schema_refuse(struct compiler *c, const yyjson_val *value, const char *fmt, ...) PRINTF(3, 4);
int schema_refuse_as(struct compiler *c, int code, const yyjson_val *value, const char *fmt, ...)
    PRINTF(4, 5);

/* Reads and registers a document under its URI. */
int schema_add_document(struct compiler *c, struct str uri, struct str text,
                        struct schema_resource **out) MUST_CHECK;
/* The node of one of its values; NULL when none was compiled there. */
const struct schema_node *schema_known_node(const struct schema_document *document,
                                            const yyjson_val *value);

int schema_resolve_refs(struct compiler *c) MUST_CHECK;
int schema_refuse_loops(struct compiler *c) MUST_CHECK;

/* The vocabularies that a resource is written in. */
int schema_read_dialect(struct compiler *c, const yyjson_val *root, unsigned inherited,
                        unsigned *vocabularies_out) MUST_CHECK;
/* The text of a document of the 2020-12 metaschema; STR_NONE for another URI. */
struct str schema_builtin(struct str uri);

/* ---- Checking ---- */

enum { SCHEMA_VALID = 0, SCHEMA_MISMATCH = 1 };

/* The way from the whole value to where the check is, inside out. */
struct path {
    const struct path *up;
    struct str key; /* p is NULL for an array's item */
    size_t index;
    unsigned depth;
};

/* The resources that the check has entered and not left, inside out. */
struct scope {
    const struct scope *up;
    const struct schema_resource *resource;
};

/* How much a finding tells. Of several alternatives that all fail, the one whose finding tells
 * most is reported: where the type or a constant is wrong another one was meant. */
enum finding_weight { FINDING_TYPE, FINDING_CONSTANT, FINDING_OTHER };

struct finding {
    bool is_set;
    enum finding_weight weight;
    unsigned depth;
    char expected[160]; /* can be joined to "expected a or b"; empty when it cannot */
    char got[100];
    struct schema_error error;
};

struct check {
    size_t work_left;
    unsigned depth;
    bool is_explaining; /* the second pass, which finds words for the failure of the first */
    const struct path *path;
    const struct scope *scope;
    struct finding finding;
    struct matcher *matcher; /* made when the first pattern is met */
};

/* The same value, checked by another node. */
int schema_check_node(struct check *c, const struct schema_node *node, const yyjson_val *instance,
                      struct marks *marks) MUST_CHECK;
/* The same, where a mismatch is nothing to explain. */
int schema_check_quietly(struct check *c, const struct schema_node *node,
                         const yyjson_val *instance, struct marks *marks) MUST_CHECK;
/* A member or item of the value. */
int schema_check_member(struct check *c, const struct schema_node *node, const yyjson_val *key,
                        const yyjson_val *value) MUST_CHECK;
int schema_check_item(struct check *c, const struct schema_node *node, size_t index,
                      const yyjson_val *value) MUST_CHECK;

/* Counts work; DMCP_E_TOOBIG when it was too much. */
int schema_work(struct check *c, size_t units) MUST_CHECK;
int schema_give_up(struct check *c, const char *fmt, ...) PRINTF(2, 3); /* DMCP_E_TOOBIG */

enum value_type schema_type_of(const yyjson_val *v);

/* All return SCHEMA_MISMATCH, and find words only when the check is explaining. */
int schema_fail(struct check *c, const char *fmt, ...) PRINTF(2, 3);
/* `expected <fmt>, got <the value>` */
int schema_fail_expected(struct check *c, enum finding_weight weight, const yyjson_val *got,
                         const char *fmt, ...) PRINTF(4, 5);
int schema_fail_unexpected(struct check *c, const yyjson_val *key);

/* Of two failed alternatives of a schema at this depth, keeps in `best` what tells more. */
void schema_choose_finding(struct finding *best, const struct finding *other, unsigned depth);

/* ---- Marks: which members or items of a value were evaluated ---- */

struct marks {
    size_t n;
    uint64_t *bits; /* `few`, or memory of its own */
    uint64_t few;
};

void marks_init(struct marks *m, const yyjson_val *instance); /* nothing, for a scalar */
void marks_fini(struct marks *m);
void marks_set(struct marks *m, size_t i); /* `m` may be NULL, as for the next */
void marks_merge(struct marks *into, const struct marks *from);
bool marks_has(const struct marks *m, size_t i);

#endif
