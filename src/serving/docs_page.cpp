#include "serving/docs_page.hpp"

#include <fmt/core.h>

#include "base/html.hpp"
#include "base/json.hpp"

namespace lodestone::serving {

namespace {

std::string text_of(const json::Value* value) {
  return value != nullptr && value->as_string() != nullptr ? *value->as_string() : std::string();
}

/// "#/components/responses/NotFound" followed in the document.
const json::Value* resolve(const json::Value& document, const json::Value* value) {
  const std::string reference = value == nullptr ? "" : text_of(value->find("$ref"));
  if (reference.empty()) return value;
  const json::Value* at = &document;
  std::size_t begin = 2;
  while (at != nullptr && begin < reference.size()) {
    const std::size_t end = std::min(reference.find('/', begin), reference.size());
    at = at->find(std::string_view(reference).substr(begin, end - begin));
    begin = end + 1;
  }
  return at;
}

/// "integer, 1 to 50, default 10"
std::string describe_schema(const json::Value& document, const json::Value* given) {
  const json::Value* schema = resolve(document, given);
  if (schema == nullptr) return "";
  std::string out = text_of(schema->find("type"));
  if (const json::Value* choices = schema->find("enum"); choices != nullptr && choices->as_array() != nullptr) {
    out += ": one of";
    for (const json::Value& choice : *choices->as_array()) out.append(" ").append(json::format(choice));
  }
  const json::Value* min = schema->find("minimum");
  const json::Value* max = schema->find("maximum");
  if (min != nullptr && max != nullptr) out += fmt::format(", {} to {}", json::format(*min), json::format(*max));
  if (const json::Value* fallback = schema->find("default")) out.append(", default ").append(json::format(*fallback));
  return out;
}

void add_parameters(const json::Value& document, const json::Value& operation, std::string& out) {
  const json::Value* list = operation.find("parameters");
  if (list == nullptr || list->as_array() == nullptr || list->as_array()->empty()) return;
  out += "<table><thead><tr><th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead><tbody>";
  for (const json::Value& given : *list->as_array()) {
    const json::Value* parameter = resolve(document, &given);
    if (parameter == nullptr) continue;
    out += fmt::format("<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
                       escape_html(text_of(parameter->find("name"))), escape_html(text_of(parameter->find("in"))),
                       escape_html(describe_schema(document, parameter->find("schema"))),
                       escape_html(text_of(parameter->find("description"))));
  }
  out += "</tbody></table>";
}

void add_responses(const json::Value& document, const json::Value& operation, std::string& out) {
  const json::Value* list = operation.find("responses");
  if (list == nullptr || list->as_object() == nullptr) return;
  out += "<table><thead><tr><th>Status</th><th>Answer</th></tr></thead><tbody>";
  for (const json::Member& member : *list->as_object()) {
    const json::Value* response = resolve(document, &member.value);
    out += fmt::format("<tr><td><code>{}</code></td><td>{}</td></tr>", escape_html(member.key),
                       escape_html(response == nullptr ? "" : text_of(response->find("description"))));
  }
  out += "</tbody></table>";
}

}  // namespace

std::string make_docs_page(std::string_view openapi) {
  const json::Value document = json::parse(openapi, "openapi.json");
  const json::Value* info = document.find("info");
  const std::string title = info == nullptr ? "" : escape_html(text_of(info->find("title")));
  std::string out = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>{0}</title>"
      "<link rel=\"stylesheet\" href=\"/docs.css\"></head><body><main><h1>{0}</h1><p>{1}</p>"
      "<p>The same for machines: <a href=\"/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>",
      title, info == nullptr ? "" : escape_html(text_of(info->find("description"))));
  const json::Value* paths = document.find("paths");
  if (paths != nullptr && paths->as_object() != nullptr) {
    for (const json::Member& path : *paths->as_object()) {
      if (path.value.as_object() == nullptr) continue;
      for (const json::Member& method : *path.value.as_object()) {
        std::string verb = method.key;
        for (char& c : verb) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        out += fmt::format("<section><h2><code>{} {}</code></h2><p>{}</p>", escape_html(verb), escape_html(path.key),
                           escape_html(text_of(method.value.find("summary"))));
        if (const std::string text = text_of(method.value.find("description")); !text.empty())
          out += fmt::format("<p>{}</p>", escape_html(text));
        add_parameters(document, method.value, out);
        add_responses(document, method.value, out);
        out += "</section>";
      }
    }
  }
  return out + "</main></body></html>\n";
}

std::string_view docs_style() {
  return "body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1c2024;background:#fcfcfd}main{max-width:56rem;margin:0 "
         "auto;padding:1.5rem}"
         "h2{font-size:1.1rem;margin:2.5rem 0 .5rem;border-top:1px solid "
         "#d9d9e0;padding-top:1.5rem}code{font-family:ui-monospace,monospace}"
         "table{border-collapse:collapse;width:100%;margin:.75rem "
         "0;font-size:.9rem}th,td{text-align:left;vertical-align:top;padding:.35rem "
         ".75rem .35rem 0;border-bottom:1px solid #e8e8ec}th{font-weight:600}a{color:#0a58ca}"
         "@media(prefers-color-scheme:dark){body{color:#edeef0;background:#111113}h2{border-color:#43484e}th,td{border-color:#"
         "2e3135}a{color:#70b8ff}}\n";
}

}  // namespace lodestone::serving
