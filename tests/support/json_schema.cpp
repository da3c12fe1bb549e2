#include "tests/support/json_schema.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace lodestone::test {

namespace {

class Checker {
 public:
  explicit Checker(const json::Value& document) : document_(&document) {}

  void check(const json::Value& value, const json::Value& given, const std::string& path) {
    const json::Value* schema = &given;
    while (const json::Value* reference = schema->find("$ref")) {
      schema = find_reference(*document_, *reference->as_string());
      if (schema == nullptr) return bad(path, "no such schema: " + *reference->as_string());
    }
    for (const json::Member& rule : *schema->as_object()) apply(value, *schema, rule, path);
  }
  std::vector<std::string> problems;

 private:
  void bad(const std::string& path, std::string_view sentence) { problems.push_back(fmt::format("{}: {}", path, sentence)); }

  static bool is_type(const json::Value& value, std::string_view type) {
    if (type == "null") return value.is_null();
    if (type == "boolean") return value.as_bool() != nullptr;
    if (type == "integer") return value.as_int() != nullptr;
    if (type == "number") return value.as_number().has_value();
    if (type == "string") return value.as_string() != nullptr;
    if (type == "array") return value.as_array() != nullptr;
    return type == "object" && value.as_object() != nullptr;
  }

  void apply(const json::Value& value, const json::Value& schema, const json::Member& rule, const std::string& path) {
    static const std::set<std::string> silent = {"description", "format", "default"};
    const json::Value& wanted = rule.value;
    if (rule.key == "type") {
      const bool fits =
          wanted.as_array() != nullptr
              ? std::ranges::any_of(*wanted.as_array(), [&](const json::Value& one) { return is_type(value, *one.as_string()); })
              : is_type(value, *wanted.as_string());
      if (!fits) bad(path, json::format(value) + " is not of type " + json::format(wanted));
    } else if (rule.key == "enum") {
      const auto same = [&](const json::Value& one) { return json::format(one) == json::format(value); };
      if (std::ranges::none_of(*wanted.as_array(), same))
        bad(path, json::format(value) + " is not one of " + json::format(wanted));
    } else if (rule.key == "minimum" || rule.key == "maximum") {
      const auto number = value.as_number();
      if (number && (rule.key == "minimum" ? *number < *wanted.as_number() : *number > *wanted.as_number()))
        bad(path, json::format(value) + " breaks " + rule.key);
    } else if (rule.key == "minLength" || rule.key == "maxLength") {
      const auto* text = value.as_string();
      const auto n = static_cast<std::size_t>(*wanted.as_int());
      if (text != nullptr && (rule.key == "minLength" ? text->size() < n : text->size() > n))
        bad(path, json::format(value) + " breaks " + rule.key);
    } else if (rule.key == "pattern") {
      const auto* text = value.as_string();
      if (text != nullptr && !testing::Value(*text, testing::ContainsRegex(*wanted.as_string())))
        bad(path, *text + " does not fit " + *wanted.as_string());
    } else if (rule.key == "maxItems") {
      if (value.as_array() != nullptr && value.as_array()->size() > static_cast<std::size_t>(*wanted.as_int()))
        bad(path, "too many items");
    } else if (rule.key == "items") {
      if (value.as_array() == nullptr) return;
      for (std::size_t i = 0; i < value.as_array()->size(); ++i)
        check((*value.as_array())[i], wanted, fmt::format("{}[{}]", path, i));
    } else if (rule.key == "required") {
      for (const json::Value& name : *wanted.as_array()) {
        if (value.as_object() != nullptr && value.find(*name.as_string()) == nullptr)
          bad(path, *name.as_string() + " is missing");
      }
    } else if (rule.key == "properties" || rule.key == "additionalProperties") {
      if (value.as_object() != nullptr && (rule.key == "properties" || schema.find("properties") == nullptr))
        members(value, schema, path);
    } else if (!silent.contains(rule.key)) {
      bad(path, "unknown keyword " + rule.key);
    }
  }

  void members(const json::Value& value, const json::Value& schema, const std::string& path) {
    const json::Value* properties = schema.find("properties");
    const json::Value* others = schema.find("additionalProperties");
    for (const json::Member& member : *value.as_object()) {
      const std::string where = path + "." + member.key;
      if (const json::Value* named = properties == nullptr ? nullptr : properties->find(member.key)) {
        check(member.value, *named, where);
      } else if (others != nullptr && others->as_bool() != nullptr && !*others->as_bool()) {
        bad(where, "is not in the schema");
      } else if (others != nullptr && others->as_object() != nullptr) {
        check(member.value, *others, where);
      }
    }
  }

  const json::Value* document_;
};

}  // namespace

std::vector<std::string> check_schema(const json::Value& value, const json::Value& schema, const json::Value& document) {
  Checker checker(document);
  checker.check(value, schema, "answer");
  return checker.problems;
}

const json::Value* find_reference(const json::Value& document, std::string_view reference) {
  const json::Value* at = &document;
  reference.remove_prefix(std::min<std::size_t>(reference.size(), 2));
  while (at != nullptr && !reference.empty()) {
    const std::size_t end = std::min(reference.find('/'), reference.size());
    std::string name(reference.substr(0, end));
    for (std::size_t i = name.find("~1"); i != std::string::npos; i = name.find("~1")) name.replace(i, 2, "/");
    at = at->find(name);
    reference.remove_prefix(std::min(end + 1, reference.size()));
  }
  return at;
}

}  // namespace lodestone::test
