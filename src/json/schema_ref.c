/* SPDX-License-Identifier: Apache-2.0 */
/*
 * $ref, $dynamicRef and $defs (JSON Schema core, section 8.2): resolving references when all
 * schemas of a document are known, and following them in a check.
 */
#include "json/schema_impl.h"
#include "json/uri.h"

struct ref_keyword {
    struct keyword keyword;
    struct schema_resource *from;
    const yyjson_val *value; /* the reference as it is written */
    const struct schema_node *target;
    struct str dynamic_name; /* of a $dynamicRef to a $dynamicAnchor */
    struct ref_keyword *next_pending;
};

/* ---- Finding the target ---- */

/* The resource of a URI without fragment; loads its document when that is new. */
static int find_resource(struct compiler *c, const struct ref_keyword *k, struct str uri,
                         struct schema_resource **out)
{
    struct schema_resource *found = hmap_get(&c->by_uri, uri);
    struct str text = schema_builtin(uri);
    char quoted[120];
    int rc;

    if (found) {
        *out = found;
        return 0;
    }
    json_quote(uri, quoted, sizeof(quoted));
    if (!text.p) {
        rc = c->remotes ? c->remotes->find(c->remotes->arg, uri, &text) : DMCP_E_NOTFOUND;
        if (rc) {
            return schema_refuse(c, k->value, "there is no schema %s", quoted);
        }
    }
    rc = schema_add_document(c, uri, text, out);
    if (rc) {
        return err_wrap(c->err, rc, "schema %s", quoted);
    }
    return 0;
}

/* One step of a JSON Pointer (RFC 6901), its token still escaped. */
static yyjson_val *step_into(yyjson_val *value, struct str token)
{
    struct buf key;
    uint64_t index;
    yyjson_val *found = NULL;

    buf_init(&key, token.len);
    for (size_t i = 0; i < token.len; i++) {
        char c = token.p[i];

        if (c == '~' && i + 1 < token.len && (token.p[i + 1] == '0' || token.p[i + 1] == '1')) {
            c = token.p[++i] == '0' ? '~' : '/';
        }
        buf_addc(&key, c);
    }
    if (yyjson_is_obj(value)) {
        found = yyjson_obj_getn(value, buf_str(&key).p, key.len);
    } else if (yyjson_is_arr(value) && str_to_u64(buf_str(&key), SIZE_MAX, &index) == 0) {
        found = yyjson_arr_get(value, (size_t)index);
    }
    buf_fini(&key);
    return found;
}

static int find_by_pointer(struct compiler *c, const struct ref_keyword *k,
                           struct schema_resource *resource, struct str pointer,
                           const struct schema_node **out)
{
    yyjson_val *value = (yyjson_val *)resource->root;

    while (value && pointer.len > 0) {
        const struct schema_node *node;
        struct str token;
        size_t n = 1;

        while (n < pointer.len && pointer.p[n] != '/') {
            n++;
        }
        token = str_make(pointer.p + 1, n - 1);
        pointer = str_make(pointer.p + n, pointer.len - n);
        value = step_into(value, token);
        /* On the way into another resource the base URI changes. */
        node = value ? schema_known_node(resource->document, value) : NULL;
        if (node) {
            resource = node->resource;
        }
    }
    if (!value) {
        return schema_refuse(c, k->value, "it refers to what is not there");
    }
    return schema_compile_node(c, resource, value, out);
}

static int find_by_fragment(struct compiler *c, struct ref_keyword *k,
                            struct schema_resource *resource, struct str fragment, bool is_dynamic)
{
    if (fragment.len == 0 || fragment.p[0] == '/') {
        return find_by_pointer(c, k, resource, fragment, &k->target);
    }
    k->target = hmap_get(&resource->anchors, fragment);
    if (!k->target) {
        return schema_refuse(c, k->value, "there is no such anchor");
    }
    if (is_dynamic && hmap_get(&resource->dynamic_anchors, fragment)) {
        k->dynamic_name = str_make(arena_dup(&c->schema->arena, fragment.p, fragment.len),
                                   fragment.len);
    }
    return 0;
}

static int check_dynamic(struct check *c, const struct keyword *k, const yyjson_val *instance,
                         struct marks *marks);

static int resolve(struct compiler *c, struct ref_keyword *k)
{
    bool is_dynamic = k->keyword.kind->check == check_dynamic;
    struct schema_resource *resource;
    struct str encoded;
    struct buf uri, fragment;
    int rc;

    buf_init(&uri, 2 * LIMIT_SCHEMA_BYTES + 16);
    buf_init(&fragment, LIMIT_SCHEMA_BYTES);
    encoded = uri_resolve(&uri, k->from->uri, json_str(k->value));
    uri_decode(&fragment, encoded);
    rc = find_resource(c, k, buf_str(&uri), &resource);
    if (rc == 0) {
        rc = find_by_fragment(c, k, resource, buf_str(&fragment), is_dynamic);
    }
    buf_fini(&uri);
    buf_fini(&fragment);
    return rc;
}

int schema_resolve_refs(struct compiler *c)
{
    int rc = 0;

    while (rc == 0 && c->pending) {
        struct ref_keyword *k = c->pending;

        c->pending = k->next_pending;
        rc = resolve(c, k);
    }
    return rc;
}

/* ---- The keywords ---- */

static int compile_ref(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                       const yyjson_val *value, struct keyword **out)
{
    struct ref_keyword *k = schema_keyword_new(c, sizeof(*k), out);

    (void)siblings;
    if (!json_str(value).p) {
        return schema_refuse(c, value, "a reference is a string");
    }
    k->from = node->resource;
    k->value = value;
    k->next_pending = c->pending;
    c->pending = k;
    return 0;
}

static int compile_static_ref(struct compiler *c, struct schema_node *node,
                              const yyjson_val *siblings, const yyjson_val *value,
                              struct keyword **out)
{
    int rc = compile_ref(c, node, siblings, value, out);

    if (rc == 0) {
        (*out)->always = &((struct ref_keyword *)*out)->target;
        (*out)->n_always = 1;
    }
    return rc;
}

static int compile_defs(struct compiler *c, struct schema_node *node, const yyjson_val *siblings,
                        const yyjson_val *value, struct keyword **out)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with((yyjson_val *)value);
    const struct schema_node *unused;
    yyjson_val *key;
    int rc = 0;

    (void)siblings;
    (void)out;
    if (!yyjson_is_obj((yyjson_val *)value)) {
        return schema_refuse(c, value, "$defs is not an object");
    }
    while (rc == 0 && (key = yyjson_obj_iter_next(&iter))) {
        rc = schema_compile_child(c, node, yyjson_obj_iter_get_val(key), &unused);
    }
    return rc;
}

static int check_ref(struct check *c, const struct keyword *k, const yyjson_val *instance,
                     struct marks *marks)
{
    return schema_check_node(c, ((const struct ref_keyword *)k)->target, instance, marks);
}

/* The outermost of the resources that were entered and have such an anchor decides. */
static int check_dynamic(struct check *c, const struct keyword *k, const yyjson_val *instance,
                         struct marks *marks)
{
    const struct ref_keyword *ref = (const struct ref_keyword *)k;
    const struct schema_node *target = ref->target;
    size_t n_scopes = 0;
    int rc;

    for (const struct scope *s = c->scope; ref->dynamic_name.p && s; s = s->up) {
        const struct schema_node *found = hmap_get(&s->resource->dynamic_anchors,
                                                   ref->dynamic_name);

        if (found) {
            target = found;
        }
        n_scopes++;
    }
    rc = schema_work(c, n_scopes);
    return rc ? rc : schema_check_node(c, target, instance, marks);
}

const struct keyword_kind schema_ref_keywords[] = {
    { "$defs", VOCABULARY_CORE, TYPE_ANY, compile_defs, NULL },
    { "$ref", VOCABULARY_CORE, TYPE_ANY, compile_static_ref, check_ref },
    { "$dynamicRef", VOCABULARY_CORE, TYPE_ANY, compile_ref, check_dynamic },
    { NULL, 0, 0, NULL, NULL },
};
