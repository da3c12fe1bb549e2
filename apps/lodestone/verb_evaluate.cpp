// lodestone evaluate: measures methods on a data set that a dataset.yaml describes, by its protocol.

#include <fmt/format.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/log.hpp"
#include "evaluate_ltr.hpp"
#include "evaluate_methods.hpp"
#include "evaluation/evaluate.hpp"
#include "training/content.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using evaluation::MethodResult;
using evaluation::MetricResult;

json::Value document_of(const std::string& set, const std::vector<MethodResult>& results) {
  json::Array rows;
  for (const MethodResult& r : results) {
    json::Value metrics = json::Object{};
    json::Value intervals = json::Object{};
    for (const MetricResult& m : r.metrics) {
      metrics.set(m.name, json::Value(m.value));
      if (m.interval)
        intervals.set(m.name, json::Value(json::Array{json::Value(m.interval->low), json::Value(m.interval->high)}));
    }
    json::Value row = json::Object{};
    row.set("method", json::Value(r.method));
    row.set("settings", json::Value(r.settings));
    row.set("metrics", std::move(metrics));
    row.set("intervals", std::move(intervals));
    row.set("fit_seconds", json::Value(r.fit_seconds));
    row.set("score_seconds", json::Value(r.score_seconds));
    row.set("peak_mib", json::Value(r.peak_mib));
    row.set("users", json::Value(static_cast<std::int64_t>(r.users)));
    rows.push_back(std::move(row));
  }
  json::Value out = json::Object{};
  out.set("set", json::Value(set));
  out.set("results", json::Value(std::move(rows)));
  return out;
}

/// One row a method; the interval stands as half its width, the settings last because they are long.
void print_results(const std::string& set, const std::vector<MethodResult>& results) {
  std::vector<std::string> header{"set", "method"};
  for (const MetricResult& m : results.front().metrics) header.push_back(m.name);
  for (const char* name : {"users", "fit s", "score s", "peak MiB", "settings"}) header.emplace_back(name);
  std::vector<std::vector<std::string>> rows;
  for (const MethodResult& r : results) {
    std::vector<std::string> row{set, r.method};
    for (const MetricResult& m : r.metrics) {
      row.push_back(m.interval ? fmt::format("{:.4f} +-{:.4f}", m.value, (m.interval->high - m.interval->low) / 2)
                               : fmt::format("{:.4f}", m.value));
    }
    row.push_back(std::to_string(r.users));
    row.push_back(fmt::format("{:.1f}", r.fit_seconds));
    row.push_back(fmt::format("{:.1f}", r.score_seconds));
    row.push_back(fmt::format("{:.0f}", r.peak_mib));
    row.push_back(r.settings);
    rows.push_back(std::move(row));
  }
  print_table(header, rows);
}

/// How many rows a model is fitted on: users, or sessions.
std::size_t count_histories(const evaluation::Evaluation& evaluation) {
  return evaluation.problems().front().train.histories.size();
}

/// Methods that rank the items of a catalogue.
std::vector<MethodResult> evaluate_lists(const evaluation::DatasetSpec& spec, const std::string& method,
                                         const evaluation::EvaluateOptions& options) {
  (void)methods_of(spec, 0, 0);  // a kind without methods need not be read first
  (void)read_methods(method, spec, 0, 0);
  log_info("evaluate", "{}: reading", spec.name);
  const evaluation::Dataset data = evaluation::load_dataset(spec);
  training::ContentOptions content;
  content.threads = options.threads;
  const auto& metrics = spec.protocol.metrics;
  const bool diversity = std::find(metrics.begin(), metrics.end(), evaluation::Metric::kDiversity) != metrics.end();
  const evaluation::Evaluation evaluation(
      data, diversity ? training::build_content_vectors(data.texts, content).rows : models::Interactions{});
  const std::size_t n_rows = count_histories(evaluation);
  const std::vector<std::string> applicable = methods_of(spec, n_rows, data.n_items);
  const std::vector<std::string> wanted = read_methods(method, spec, n_rows, data.n_items);
  std::vector<MethodResult> results;
  for (const std::string& name : wanted) {
    log_info("evaluate", "{}: measuring {} ({} of {}) on {} items and {} histories", spec.name, name, results.size() + 1,
             wanted.size(), data.n_items, n_rows);
    if (spec.kind == evaluation::Kind::kTextSearch) {
      results.push_back(evaluation.measure(make_search_method(name, options.threads), options));
    } else {
      results.push_back(evaluation.measure([&] { return make_method(name, applicable, options.threads); }, options));
    }
  }
  return results;
}

}  // namespace

int run_evaluate(const Globals& globals, const EvaluateArguments& arguments) {
  const evaluation::DatasetSpec spec = evaluation::load_dataset_spec(arguments.data);
  evaluation::EvaluateOptions options;
  options.threads = arguments.threads;
  const std::vector<MethodResult> results = spec.kind == evaluation::Kind::kLtr ? evaluate_ltr(spec, arguments.method, options)
                                                                                : evaluate_lists(spec, arguments.method, options);
  if (globals.json) {
    print_json(json::format(document_of(spec.name, results), 2));
  } else {
    print_results(spec.name, results);
  }
  return 0;
}

}  // namespace lodestone::app
