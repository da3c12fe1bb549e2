// lodestone evaluate: measures methods on a data set that a dataset.yaml describes, by its protocol, or on the lake.

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
#include "evaluate_lake.hpp"
#include "evaluate_ltr.hpp"
#include "evaluate_methods.hpp"
#include "evaluate_output.hpp"
#include "evaluate_report.hpp"
#include "evaluate_text.hpp"
#include "evaluate_vectors.hpp"
#include "evaluation/evaluate.hpp"
#include "training/content.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using evaluation::MethodResult;

/// How many rows a model is fitted on: users, or sessions.
std::size_t count_histories(const evaluation::Evaluation& evaluation) {
  return evaluation.problems().front().train.histories.size();
}

/// Methods that rank the items of a catalogue.
std::vector<MethodResult> evaluate_lists(const evaluation::Dataset& data, const std::string& method,
                                         const evaluation::EvaluateOptions& options) {
  const evaluation::DatasetSpec& spec = data.spec;
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

EvaluationOutput evaluate_set(const EvaluateArguments& arguments, const evaluation::EvaluateOptions& options) {
  evaluation::DatasetSpec spec = evaluation::load_dataset_spec(arguments.data);
  if (!arguments.metrics.empty()) spec.protocol.metrics = evaluation::parse_metrics(arguments.metrics, spec);
  EvaluationOutput output{spec.name, describe_protocol(spec), {}};
  if (spec.kind == evaluation::Kind::kLtr) {
    output.results = evaluate_ltr(spec, arguments.method, options);
    return output;
  }
  if (is_text_kind(spec.kind)) {
    output.results = evaluate_text(spec, arguments.method, options);
    return output;
  }
  if (spec.kind == evaluation::Kind::kVectors) {
    output.results = evaluate_vectors(spec, arguments.method, options);
    return output;
  }
  (void)methods_of(spec, 0, 0);  // a kind without methods need not be read first
  (void)read_methods(arguments.method, spec, 0, 0);
  log_info("evaluate", "{}: reading", spec.name);
  output.results = evaluate_lists(evaluation::load_dataset(spec), arguments.method, options);
  return output;
}

EvaluationOutput evaluate_lake(const Globals& globals, const EvaluateArguments& arguments,
                               const evaluation::EvaluateOptions& options) {
  const Config config = load_config(globals);
  const fs::path folder = arguments.lake ? config.file_path("lake.folder") : arguments.data;
  log_info("evaluate", "lake {}: reading", folder.string());
  evaluation::Dataset data = load_lake_dataset(config, folder);
  if (!arguments.metrics.empty()) data.spec.protocol.metrics = evaluation::parse_metrics(arguments.metrics, data.spec);
  EvaluationOutput output{data.spec.name, describe_protocol(data.spec), {}};
  output.protocol.insert(
      output.protocol.begin(),
      fmt::format("The lake's interactions, one a person and item: {} items, {} users and guests.", data.n_items, data.n_users));
  output.results = evaluate_lists(data, arguments.method, options);
  return output;
}

/// --data may also name a lake: a folder with canonical tables and no dataset.yaml.
bool is_lake(const EvaluateArguments& arguments) {
  return arguments.lake || (fs::is_directory(arguments.data / "canonical") && !fs::exists(arguments.data / "dataset.yaml"));
}

/// Before anything is measured: a page that cannot be written is a pity afterwards.
void check_report_path(const fs::path& report) {
  if (report.empty()) return;
  const fs::path folder = fs::absolute(report).parent_path();
  if (!fs::is_directory(folder))
    fail(ErrorCode::kNotFound, "--report {}: there is no folder {}; make it first", report.string(), folder.string());
  if (fs::is_directory(report)) fail(ErrorCode::kInvalidArgument, "--report {} is a folder; name a file in it", report.string());
}

}  // namespace

int run_evaluate(const Globals& globals, const EvaluateArguments& arguments) {
  check_report_path(arguments.report);
  evaluation::EvaluateOptions options;
  options.threads = arguments.threads;
  options.slices = arguments.slices || !arguments.report.empty();
  const EvaluationOutput output =
      is_lake(arguments) ? evaluate_lake(globals, arguments, options) : evaluate_set(arguments, options);
  if (!arguments.report.empty()) {
    write_file_atomic(arguments.report, format_evaluation_html(output));
    log_info("evaluate", "{}: the report is in {}", output.set, arguments.report.string());
  }
  if (globals.json) {
    print_json(format_evaluation_json(output));
  } else {
    print_evaluation(output);
  }
  return 0;
}

}  // namespace lodestone::app
