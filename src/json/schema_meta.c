/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of the JSON Schema 2020-12 metaschema, for schemas that refer to them. Reduced to
 * what they assert: no titles, no comments.
 */
#include "json/schema_impl.h"

/* clang-format off */

#define BASE "https://json-schema.org/draft/2020-12/"
#define HEAD(name) \
    "{\"$schema\":\"" BASE "schema\",\"$id\":\"" BASE "meta/" name "\"," \
    "\"$vocabulary\":{\"" BASE "vocab/" name "\":true}," \
    "\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boolean\"],"
#define A_SCHEMA "{\"$dynamicRef\":\"#meta\"}"
#define SCHEMAS_BY_NAME "{\"type\":\"object\",\"additionalProperties\":" A_SCHEMA "}"

static const char schema_text[] =
    "{\"$schema\":\"" BASE "schema\",\"$id\":\"" BASE "schema\","
    "\"$vocabulary\":{\"" BASE "vocab/core\":true,"
    "\"" BASE "vocab/applicator\":true,"
    "\"" BASE "vocab/unevaluated\":true,"
    "\"" BASE "vocab/validation\":true,"
    "\"" BASE "vocab/meta-data\":true,"
    "\"" BASE "vocab/format-annotation\":true,"
    "\"" BASE "vocab/content\":true},"
    "\"$dynamicAnchor\":\"meta\",\"type\":[\"object\",\"boolean\"],"
    "\"allOf\":[{\"$ref\":\"meta/core\"},"
    "{\"$ref\":\"meta/applicator\"},"
    "{\"$ref\":\"meta/unevaluated\"},"
    "{\"$ref\":\"meta/validation\"},"
    "{\"$ref\":\"meta/meta-data\"},"
    "{\"$ref\":\"meta/format-annotation\"},"
    "{\"$ref\":\"meta/content\"}],"
    "\"properties\":{"
    "\"definitions\":{\"type\":\"object\",\"additionalProperties\":" A_SCHEMA ","
    "\"deprecated\":true,\"default\":{}},"
    "\"dependencies\":{\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[" A_SCHEMA ","
    "{\"$ref\":\"meta/validation#/$defs/stringArray\"}]},\"deprecated\":true,\"default\":{}},"
    "\"$recursiveAnchor\":{\"$ref\":\"meta/core#/$defs/anchorString\",\"deprecated\":true},"
    "\"$recursiveRef\":{\"$ref\":\"meta/core#/$defs/uriReferenceString\",\"deprecated\":true}}}";

static const char core_text[] =
    HEAD("core") "\"properties\":{"
    "\"$id\":{\"$ref\":\"#/$defs/uriReferenceString\",\"pattern\":\"^[^#]*#?$\"},"
    "\"$schema\":{\"$ref\":\"#/$defs/uriString\"},"
    "\"$ref\":{\"$ref\":\"#/$defs/uriReferenceString\"},"
    "\"$anchor\":{\"$ref\":\"#/$defs/anchorString\"},"
    "\"$dynamicRef\":{\"$ref\":\"#/$defs/uriReferenceString\"},"
    "\"$dynamicAnchor\":{\"$ref\":\"#/$defs/anchorString\"},"
    "\"$vocabulary\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/uriString\"},"
    "\"additionalProperties\":{\"type\":\"boolean\"}},"
    "\"$comment\":{\"type\":\"string\"},"
    "\"$defs\":" SCHEMAS_BY_NAME "},"
    "\"$defs\":{"
    "\"anchorString\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},"
    "\"uriString\":{\"type\":\"string\",\"format\":\"uri\"},"
    "\"uriReferenceString\":{\"type\":\"string\",\"format\":\"uri-reference\"}}}";

static const char applicator_text[] =
    HEAD("applicator") "\"properties\":{"
    "\"prefixItems\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"items\":" A_SCHEMA ","
    "\"contains\":" A_SCHEMA ","
    "\"additionalProperties\":" A_SCHEMA ","
    "\"properties\":{\"type\":\"object\",\"additionalProperties\":" A_SCHEMA ",\"default\":{}},"
    "\"patternProperties\":{\"type\":\"object\",\"additionalProperties\":" A_SCHEMA ","
    "\"propertyNames\":{\"format\":\"regex\"},\"default\":{}},"
    "\"dependentSchemas\":{\"type\":\"object\",\"additionalProperties\":" A_SCHEMA ","
    "\"default\":{}},"
    "\"propertyNames\":" A_SCHEMA ","
    "\"if\":" A_SCHEMA ","
    "\"then\":" A_SCHEMA ","
    "\"else\":" A_SCHEMA ","
    "\"allOf\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"anyOf\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"oneOf\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"not\":" A_SCHEMA "},"
    "\"$defs\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,\"items\":" A_SCHEMA "}}}";

static const char unevaluated_text[] =
    HEAD("unevaluated") "\"properties\":{"
    "\"unevaluatedItems\":" A_SCHEMA ","
    "\"unevaluatedProperties\":" A_SCHEMA "}}";

static const char validation_text[] =
    HEAD("validation") "\"properties\":{"
    "\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/simpleTypes\"},{\"type\":\"array\","
    "\"items\":{\"$ref\":\"#/$defs/simpleTypes\"},\"minItems\":1,\"uniqueItems\":true}]},"
    "\"const\":true,"
    "\"enum\":{\"type\":\"array\",\"items\":true},"
    "\"multipleOf\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
    "\"maximum\":{\"type\":\"number\"},"
    "\"exclusiveMaximum\":{\"type\":\"number\"},"
    "\"minimum\":{\"type\":\"number\"},"
    "\"exclusiveMinimum\":{\"type\":\"number\"},"
    "\"maxLength\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minLength\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},"
    "\"maxItems\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minItems\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"uniqueItems\":{\"type\":\"boolean\",\"default\":false},"
    "\"maxContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\",\"default\":1},"
    "\"maxProperties\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minProperties\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"required\":{\"$ref\":\"#/$defs/stringArray\"},"
    "\"dependentRequired\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$ref\":\"#/$defs/stringArray\"}}},"
    "\"$defs\":{"
    "\"nonNegativeInteger\":{\"type\":\"integer\",\"minimum\":0},"
    "\"nonNegativeIntegerDefault0\":{\"$ref\":\"#/$defs/nonNegativeInteger\",\"default\":0},"
    "\"simpleTypes\":{\"enum\":[\"array\",\"boolean\",\"integer\",\"null\",\"number\",\"object\","
    "\"string\"]},"
    "\"stringArray\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true,"
    "\"default\":[]}}}";

static const char meta_data_text[] =
    HEAD("meta-data") "\"properties\":{"
    "\"title\":{\"type\":\"string\"},"
    "\"description\":{\"type\":\"string\"},"
    "\"default\":true,"
    "\"deprecated\":{\"type\":\"boolean\",\"default\":false},"
    "\"readOnly\":{\"type\":\"boolean\",\"default\":false},"
    "\"writeOnly\":{\"type\":\"boolean\",\"default\":false},"
    "\"examples\":{\"type\":\"array\",\"items\":true}}}";

static const char format_annotation_text[] =
    HEAD("format-annotation") "\"properties\":{\"format\":{\"type\":\"string\"}}}";

static const char content_text[] =
    HEAD("content") "\"properties\":{"
    "\"contentEncoding\":{\"type\":\"string\"},"
    "\"contentMediaType\":{\"type\":\"string\"},"
    "\"contentSchema\":" A_SCHEMA "}}";

/* clang-format on */

struct str schema_builtin(struct str uri)
{
    static const struct {
        const char *uri, *text;
    } documents[] = {
        { BASE "schema", schema_text },
        { BASE "meta/core", core_text },
        { BASE "meta/applicator", applicator_text },
        { BASE "meta/unevaluated", unevaluated_text },
        { BASE "meta/validation", validation_text },
        { BASE "meta/meta-data", meta_data_text },
        { BASE "meta/format-annotation", format_annotation_text },
        { BASE "meta/content", content_text },
    };

    for (size_t i = 0; i < COUNT_OF(documents); i++) {
        if (str_eqz(uri, documents[i].uri)) {
            return str_of(documents[i].text);
        }
    }
    return STR_NONE;
}
