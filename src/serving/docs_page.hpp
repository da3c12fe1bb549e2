#pragma once
// The page at /docs: the operations of the OpenAPI document as plain HTML, without script or anything from elsewhere.

#include <string>
#include <string_view>

namespace lodestone::serving {

/// Throws corrupt when the document is no JSON.
std::string make_docs_page(std::string_view openapi);

/// The style sheet of that page.
std::string_view docs_style();

}  // namespace lodestone::serving
