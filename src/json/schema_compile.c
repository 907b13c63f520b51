/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling: documents become resources and nodes. See schema_impl.h; what a keyword becomes is
 * told by the file of its noun.
 *
 * Recursive, as deep as json_read lets documents nest.
 */
#include <assert.h>

#include "json/schema_impl.h"
#include "json/schema_pattern.h"
#include "json/uri.h"

void *schema_alloc(struct compiler *c, size_t size)
{
    return arena_zalloc(&c->schema->arena, size);
}

void *schema_keyword_new(struct compiler *c, size_t size, struct keyword **out)
{
    assert(size >= sizeof(struct keyword));
    *out = schema_alloc(c, size);
    return *out;
}

static struct str keep(struct compiler *c, struct str s)
{
    return str_make(arena_dup(&c->schema->arena, s.p, s.len), s.len);
}

/* ---- Resources and documents ---- */

static int register_uri(struct compiler *c, struct schema_resource *resource, struct str uri,
                        const yyjson_val *place)
{
    struct schema_resource *old = hmap_put(&c->by_uri, uri, resource);
    char quoted[120];

    if (old && old != resource) {
        json_quote(uri, quoted, sizeof(quoted));
        return schema_refuse(c, place, "there are two schemas %s", quoted);
    }
    return 0;
}

/* The URI that a schema gives itself with $id, resolved against what is around it. */
static int read_id(struct compiler *c, struct str base, const yyjson_val *schema, struct buf *uri)
{
    yyjson_val *id = json_get(schema, "$id");
    struct str fragment;

    if (!id) {
        buf_add_str(uri, base);
        return 0;
    }
    if (!json_str(id).p) {
        return schema_refuse(c, id, "$id is not a string");
    }
    fragment = uri_resolve(uri, base, json_str(id));
    if (fragment.len > 0) {
        return schema_refuse(c, id, "$id has a fragment");
    }
    return 0;
}

static int add_resource(struct compiler *c, struct schema_document *document, struct str uri,
                        const yyjson_val *root, unsigned inherited, struct schema_resource **out)
{
    struct schema_resource *resource = schema_alloc(c, sizeof(*resource));

    resource->document = document;
    resource->uri = keep(c, uri);
    resource->root = root;
    hmap_init(&resource->anchors);
    hmap_init(&resource->dynamic_anchors);
    resource->next = c->schema->resources;
    c->schema->resources = resource;
    *out = resource;
    return schema_read_dialect(c, root, inherited, &resource->vocabularies);
}

static int add_root(struct compiler *c, struct schema_document *document, struct str uri,
                    struct schema_resource **out)
{
    const yyjson_val *root = document->doc->root;
    const struct schema_node *unused;
    struct buf own_uri;
    int rc;

    buf_init(&own_uri, 2 * LIMIT_SCHEMA_BYTES + 16);
    rc = read_id(c, uri, root, &own_uri);
    if (rc == 0) {
        rc = add_resource(c, document, buf_str(&own_uri), root, VOCABULARY_ALL, out);
    }
    if (rc == 0) {
        rc = register_uri(c, *out, uri, root);
    }
    if (rc == 0) {
        rc = register_uri(c, *out, buf_str(&own_uri), root);
    }
    buf_fini(&own_uri);
    return rc ? rc : schema_compile_node(c, *out, root, &unused);
}

int schema_add_document(struct compiler *c, struct str uri, struct str text,
                        struct schema_resource **out)
{
    struct schema_document *document;
    size_t n_values;
    yyjson_doc *doc;
    int rc;

    if (text.len > LIMIT_SCHEMA_BYTES) {
        return err_set(c->err, DMCP_E_TOOBIG, "it is longer than %u bytes", LIMIT_SCHEMA_BYTES);
    }
    if (c->n_documents == LIMIT_SCHEMA_DOCUMENTS) {
        return err_set(c->err, DMCP_E_TOOBIG, "it refers to more than %d other documents",
                       LIMIT_SCHEMA_DOCUMENTS - 1);
    }
    rc = json_read(text, &doc, c->err);
    if (rc) {
        return rc;
    }
    n_values = (size_t)(unsafe_yyjson_get_next(doc->root) - doc->root);
    document = schema_alloc(c, sizeof(*document));
    document->doc = doc;
    document->nodes = mem_zalloc_n(n_values, sizeof(struct schema_node *));
    document->next = c->schema->documents;
    c->schema->documents = document;
    c->n_documents++;
    return add_root(c, document, uri, out);
}

const struct schema_node *schema_known_node(const struct schema_document *document,
                                            const yyjson_val *value)
{
    return document->nodes[value - document->doc->root];
}

/* ---- Nodes ---- */

static bool is_anchor(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool is_other = (c >= '0' && c <= '9') || c == '-' || c == '.';

        if (!is_letter && (i == 0 || !is_other)) {
            return false;
        }
    }
    return s.len > 0;
}

static int add_anchor(struct compiler *c, struct schema_node *node, const yyjson_val *schema,
                      const char *keyword, bool *is_there_out)
{
    yyjson_val *value = json_get(schema, keyword);
    struct schema_node *old;

    *is_there_out = value;
    if (!value) {
        return 0;
    }
    if (!is_anchor(json_str(value))) {
        return schema_refuse(c, value, "an anchor is letters, digits, \"-\", \"_\" and \".\"");
    }
    old = hmap_put(&node->resource->anchors, json_str(value), node);
    if (old && old != node) {
        return schema_refuse(c, value, "there are two anchors of this name");
    }
    return 0;
}

static int add_anchors(struct compiler *c, struct schema_node *node, const yyjson_val *schema)
{
    bool is_there;
    int rc = add_anchor(c, node, schema, "$anchor", &is_there);

    if (rc == 0) {
        rc = add_anchor(c, node, schema, "$dynamicAnchor", &is_there);
    }
    if (rc == 0 && is_there) {
        hmap_put(&node->resource->dynamic_anchors, json_get_str(schema, "$dynamicAnchor"), node);
    }
    return rc;
}

static int compile_keywords(struct compiler *c, struct schema_node *node, const yyjson_val *schema)
{
    static const struct keyword_kind *const groups[] = {
        schema_value_keywords, schema_number_keywords, schema_string_keywords,
        schema_array_keywords, schema_object_keywords, schema_required_keywords,
        schema_ref_keywords,   schema_logic_keywords,  schema_unevaluated_keywords,
    };
    const struct keyword **last = &node->keywords;

    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        for (const struct keyword_kind *kind = groups[i]; kind->name; kind++) {
            yyjson_val *value = json_get(schema, kind->name);
            struct keyword *k = NULL;
            int rc;

            if (!value || !(kind->vocabulary & node->resource->vocabularies)) {
                continue;
            }
            rc = kind->compile(c, node, schema, value, &k);
            if (rc) {
                return rc;
            }
            if (k) {
                k->kind = kind;
                *last = k;
                last = &k->next;
            }
        }
    }
    return 0;
}

/* A schema with an $id begins a resource of its own. The root of a document has done so. */
static int enter_resource(struct compiler *c, const yyjson_val *schema,
                          struct schema_resource **resource)
{
    struct buf uri;
    int rc;

    if (schema == (*resource)->root || !json_get(schema, "$id")) {
        return 0;
    }
    buf_init(&uri, 2 * LIMIT_SCHEMA_BYTES + 16);
    rc = read_id(c, (*resource)->uri, schema, &uri);
    if (rc == 0) {
        rc = add_resource(c, (*resource)->document, buf_str(&uri), schema,
                          (*resource)->vocabularies, resource);
    }
    if (rc == 0) {
        rc = register_uri(c, *resource, buf_str(&uri), schema);
    }
    buf_fini(&uri);
    return rc;
}

int schema_compile_node(struct compiler *c, struct schema_resource *parent, const yyjson_val *value,
                        const struct schema_node **out)
{
    struct schema_node **place = &parent->document->nodes[value - parent->document->doc->root];
    yyjson_val *schema = (yyjson_val *)value;
    struct schema_node *node;
    int rc;

    if (*place) {
        *out = *place;
        return 0;
    }
    if (!yyjson_is_obj(schema) && !yyjson_is_bool(schema)) {
        return schema_refuse(c, value, "a schema is an object or a boolean");
    }
    node = schema_alloc(c, sizeof(*node));
    *place = node;
    *out = node;
    node->resource = parent;
    node->value = value;
    if (yyjson_is_bool(schema)) {
        node->kind = yyjson_get_bool(schema) ? NODE_TRUE : NODE_FALSE;
        return 0;
    }
    rc = enter_resource(c, value, &node->resource);
    if (rc == 0) {
        rc = add_anchors(c, node, value);
    }
    return rc ? rc : compile_keywords(c, node, value);
}

int schema_compile_child(struct compiler *c, struct schema_node *parent, const yyjson_val *value,
                         const struct schema_node **out)
{
    return schema_compile_node(c, parent->resource, value, out);
}

int schema_compile_nodes(struct compiler *c, struct schema_node *parent, const yyjson_val *value,
                         const struct schema_node ***out, size_t *n_out)
{
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)value);
    yyjson_val *item;
    int rc = 0;

    if (iter.max == 0) { /* or no array */
        return schema_refuse(c, value, "this is not an array of one or more schemas");
    }
    *out = schema_alloc(c, iter.max * sizeof(**out));
    while (rc == 0 && (item = yyjson_arr_iter_next(&iter))) {
        rc = schema_compile_child(c, parent, item, &(*out)[(*n_out)++]);
    }
    return rc;
}

/* ---- Arguments of keywords ---- */

int schema_read_count(struct compiler *c, const yyjson_val *value, size_t *out)
{
    uint64_t n;
    int64_t negative;
    int rc = json_to_uint(value, &n);

    if (rc == DMCP_E_INVALID || (rc == DMCP_E_TOOBIG && json_to_int(value, &negative) == 0)) {
        return schema_refuse(c, value, "this is not an integer of 0 or more");
    }
    *out = rc || n > SIZE_MAX ? SIZE_MAX : (size_t)n;
    return 0;
}

int schema_compile_count(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                         const yyjson_val *value, struct keyword **out)
{
    struct count_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)node;
    (void)siblings;
    return schema_read_count(c, value, &k->limit);
}

int schema_read_names(struct compiler *c, const yyjson_val *value, const struct str **out,
                      size_t *n_out)
{
    yyjson_arr_iter iter = yyjson_arr_iter_with((yyjson_val *)value);
    struct str *names = schema_alloc(c, iter.max * sizeof(*names));
    yyjson_val *item;

    if (!yyjson_is_arr((yyjson_val *)value)) {
        return schema_refuse(c, value, "this is not an array of strings");
    }
    while ((item = yyjson_arr_iter_next(&iter))) {
        names[iter.idx - 1] = json_str(item);
        if (!json_str(item).p) {
            return schema_refuse(c, item, "this is not a string");
        }
    }
    *out = names;
    *n_out = iter.max;
    return 0;
}

/* ---- The whole ---- */

int schema_compile(struct str text, const struct schema_resolver *remotes, struct schema **out,
                   struct err *e)
{
    struct schema *s = mem_zalloc(sizeof(*s));
    struct compiler c = { .schema = s, .remotes = remotes, .err = e };
    struct schema_resource *root;
    int rc;

    arena_init(&s->arena);
    hmap_init(&c.by_uri);
    rc = schema_add_document(&c, STR(""), text, &root);
    if (rc == 0) {
        s->root = schema_known_node(root->document, root->root);
        rc = schema_resolve_refs(&c);
    }
    if (rc == 0) {
        rc = schema_refuse_loops(&c);
    }
    hmap_fini(&c.by_uri);
    if (rc) {
        schema_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void schema_free(struct schema *s)
{
    if (!s) {
        return;
    }
    for (struct schema_resource *r = s->resources; r; r = r->next) {
        hmap_fini(&r->anchors);
        hmap_fini(&r->dynamic_anchors);
    }
    for (struct schema_document *d = s->documents; d; d = d->next) {
        yyjson_doc_free(d->doc);
        mem_free(d->nodes);
    }
    pattern_free_all(s->patterns);
    arena_fini(&s->arena);
    mem_free(s);
}
