/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which vocabularies a schema is written in: $schema names a metaschema, whose $vocabulary lists
 * them (JSON Schema core, section 8.1).
 */
#include "json/schema_impl.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"
#define VOCABULARIES "https://json-schema.org/draft/2020-12/vocab/"

static int add_vocabulary(struct compiler *c, const yyjson_val *place, const yyjson_val *key,
                          unsigned *vocabularies)
{
    static const struct {
        const char *uri;
        unsigned vocabulary; /* 0 when it only annotates */
    } known[] = {
        { VOCABULARIES "core", VOCABULARY_CORE },
        { VOCABULARIES "applicator", VOCABULARY_APPLICATOR },
        { VOCABULARIES "unevaluated", VOCABULARY_UNEVALUATED },
        { VOCABULARIES "validation", VOCABULARY_VALIDATION },
        { VOCABULARIES "meta-data", 0 },
        { VOCABULARIES "format-annotation", 0 },
        { VOCABULARIES "content", 0 },
    };
    char quoted[120];

    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (str_eqz(json_str(key), known[i].uri)) {
            *vocabularies |= known[i].vocabulary;
            return 0;
        }
    }
    if (!yyjson_get_bool(yyjson_obj_iter_get_val((yyjson_val *)key))) {
        return 0; /* to be known or ignored */
    }
    json_quote(json_str(key), quoted, sizeof(quoted));
    return schema_refuse_as(c, DMCP_E_VERSION, place, "it wants the vocabulary %s", quoted);
}

static int read_metaschema(struct compiler *c, const yyjson_val *place, struct str text,
                           unsigned *vocabularies_out)
{
    unsigned vocabularies = VOCABULARY_CORE;
    yyjson_obj_iter iter;
    yyjson_val *key;
    yyjson_doc *doc;
    int rc;

    if (text.len > LIMIT_SCHEMA_BYTES) {
        return schema_refuse_as(c, DMCP_E_TOOBIG, place, "its metaschema is too long");
    }
    rc = json_read(text, &doc, c->err);
    if (rc) {
        return err_wrap(c->err, rc, "metaschema");
    }
    iter = yyjson_obj_iter_with(json_get(doc->root, "$vocabulary"));
    if (!iter.obj) { /* a metaschema that does not say */
        vocabularies = VOCABULARY_ALL;
    }
    while (rc == 0 && (key = yyjson_obj_iter_next(&iter))) {
        rc = add_vocabulary(c, place, key, &vocabularies);
    }
    yyjson_doc_free(doc);
    if (rc == 0) {
        *vocabularies_out = vocabularies;
    }
    return rc;
}

int schema_read_dialect(struct compiler *c, const yyjson_val *root, unsigned inherited,
                        unsigned *vocabularies_out)
{
    yyjson_val *value = json_get(root, "$schema");
    struct str uri = json_str(value), text;
    char quoted[120];

    if (!value) {
        *vocabularies_out = inherited;
        return 0;
    }
    if (!uri.p) {
        return schema_refuse(c, value, "$schema is not a string");
    }
    if (uri.len > 0 && uri.p[uri.len - 1] == '#') {
        uri.len--;
    }
    if (str_eqz(uri, DIALECT)) {
        *vocabularies_out = VOCABULARY_ALL;
        return 0;
    }
    text = schema_builtin(uri);
    if (!text.p && (!c->remotes || c->remotes->find(c->remotes->arg, uri, &text))) {
        json_quote(uri, quoted, sizeof(quoted));
        return schema_refuse_as(c, DMCP_E_VERSION, value, "the dialect %s is not known", quoted);
    }
    return read_metaschema(c, value, text, vocabularies_out);
}
