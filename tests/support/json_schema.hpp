#pragma once
// The part of JSON Schema that our OpenAPI document uses: type, enum, properties, required, additionalProperties, items, maxItems,
// minimum, maximum, minLength, maxLength, pattern and $ref into the document.

#include <string>
#include <vector>

#include "base/json.hpp"

namespace lodestone::test {

/// Sentences about where `value` does not fit `schema`; empty when it does. A keyword that is not known here is a sentence too, so that
/// no rule of a schema is passed over in silence. `document` resolves references.
std::vector<std::string> check_schema(const json::Value& value, const json::Value& schema, const json::Value& document);

/// Follows "#/a/b" (with ~1 for a slash); nullptr when there is no such place.
const json::Value* find_reference(const json::Value& document, std::string_view reference);

}  // namespace lodestone::test
