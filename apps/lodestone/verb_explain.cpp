// lodestone explain: why these items, and why not that one; from the bundle alone, without a server.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "release_store.hpp"
#include "serving/explain.hpp"
#include "serving/rules_file.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

constexpr std::size_t kShownFeatures = 4;
constexpr std::size_t kTitleBytes = 40;

std::string current_of(const bundle::BundleStore& store) {
  const std::optional<std::string> id = store.current();
  if (!id) fail(ErrorCode::kNotFound, "{}: no bundle is current; lodestone pipeline run makes one", store.folder().string());
  return *id;
}

/// Whole characters of UTF-8.
std::string shorten(const std::string& text) {
  if (text.size() <= kTitleBytes) return text;
  std::size_t end = kTitleBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "...";
}

std::string channels_text(const json::Value& item) {
  std::string out;
  for (const json::Member& channel : *item.find("channels")->as_object()) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", channel.key, *channel.value.find("rank")->as_int());
  }
  return out;
}

/// The features that moved the score most.
std::string features_text(const json::Value& item) {
  std::vector<std::pair<double, std::string>> all;
  for (const json::Member& feature : *item.find("features")->as_object())
    all.emplace_back(*feature.value.as_number(), feature.key);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return std::abs(a.first) > std::abs(b.first); });
  std::string out;
  for (std::size_t i = 0; i < std::min(all.size(), kShownFeatures); ++i)
    out += fmt::format("{}{} {:+.3f}", out.empty() ? "" : ", ", all[i].second, all[i].first);
  return out;
}

void print_table(const json::Value& document) {
  const json::Array& list = *document.find("list")->as_array();
  std::string out = fmt::format("{:>5}  {:>12}  {:>7}  {:<44}  {}\n", "place", "dataset_id", "score", "title",
                                "channels and place in each; what the ranker's features add");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json::Value& item = list[i];
    out += fmt::format("{:>5}  {:>12}  {:>7.4f}  {:<44}  {}\n", i + 1, *item.find("dataset_id")->as_int(),
                       *item.find("score")->as_number(), shorten(*item.find("title")->as_string()), channels_text(item));
    if (const std::string features = features_text(item); !features.empty()) out += fmt::format("{:>76}{}\n", "", features);
  }
  std::fputs(out.c_str(), stdout);
}

void print_target(const json::Value& target, std::int64_t id) {
  if (target.is_null()) return;
  const json::Value* dropped = target.find("dropped_by");
  std::printf("%s\n", fmt::format("data set {}: {}: {}", id,
                                  *target.find("found")->as_bool() ? "shown" : "not shown, " + *dropped->as_string(),
                                  *target.find("detail")->as_string())
                          .c_str());
}

}  // namespace

int run_explain(const Globals& globals, const ExplainArguments& arguments) {
  const Config config = load_config(globals);
  serving::ExplainOrder order;
  if (arguments.user) order.user = UserId(*arguments.user);
  if (arguments.item) order.item = ItemId(*arguments.item);
  if (arguments.target) order.target = ItemId(*arguments.target);
  order.limit = arguments.limit;
  if (!arguments.filter.empty()) order.filter = engine::Filter::parse(arguments.filter);
  const bundle::BundleStore store = release_store(config);
  const auto bundle = store.open(arguments.bundle.empty() ? current_of(store) : arguments.bundle, 0);
  std::optional<engine::Rules> rules;
  if (const fs::path file = config.file_path("serving.rules_file"); !file.empty() && fs::exists(file)) {
    rules.emplace(serving::parse_rules(read_file(file), file.string()), bundle->release().catalog);
  }
  const models::Release& release = bundle->release();
  engine::PageRequest request = serving::explained_page(release, order, SystemClock().now());
  request.diversity = static_cast<float>(config.number("engine.diversity"));
  request.vector_ef = static_cast<std::size_t>(config.integer("engine.vector_ef"));
  if (rules) request.rules = &*rules;
  serving::Explanation explanation(order.target);
  explanation.make(release, request);
  std::string text;
  explanation.append(text, release, request);
  const json::Value document = json::parse(text, "explanation");
  if (globals.json) {
    print_json(json::format(document, 2));
    return 0;
  }
  print_table(document);
  print_target(*document.find("target"), arguments.target.value_or(0));
  return 0;
}

}  // namespace lodestone::app
