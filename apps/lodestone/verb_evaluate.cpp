// lodestone evaluate: measures methods on a data set that a dataset.yaml describes, by its protocol.

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"
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
  evaluation::DatasetSpec spec = evaluation::load_dataset_spec(arguments.data);
  if (!arguments.metrics.empty()) spec.protocol.metrics = evaluation::parse_metrics(arguments.metrics, spec);
  evaluation::EvaluateOptions options;
  options.threads = arguments.threads;
  options.slices = arguments.slices || !arguments.report.empty();
  EvaluationOutput output{spec.name, describe_protocol(spec), {}};
  if (is_text_kind(spec.kind)) {
    output.results = evaluate_text(spec, arguments.method, options);
  } else if (spec.kind == evaluation::Kind::kVectors) {
    output.results = evaluate_vectors(spec, arguments.method, options);
  } else {
    output.results = spec.kind == evaluation::Kind::kLtr ? evaluate_ltr(spec, arguments.method, options)
                                                         : evaluate_lists(spec, arguments.method, options);
  }
  if (!arguments.report.empty()) {
    write_file_atomic(arguments.report, format_evaluation_html(output));
    log_info("evaluate", "{}: the report is in {}", spec.name, arguments.report.string());
  }
  if (globals.json) {
    print_json(format_evaluation_json(output));
  } else {
    print_evaluation(output);
  }
  return 0;
}

}  // namespace lodestone::app
