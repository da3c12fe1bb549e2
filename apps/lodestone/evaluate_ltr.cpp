#include "evaluate_ltr.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "evaluation/ltr.hpp"
#include "training/lambdarank.hpp"

namespace lodestone::app {
namespace {

using evaluation::LtrPart;

constexpr const char* kLambdaRank = "lambdarank";

std::vector<std::string> read_names(std::string_view wanted, const evaluation::DatasetSpec& spec) {
  const std::vector<std::string> known{"auto", "all", kLambdaRank};
  std::vector<std::string> out;
  while (true) {
    const std::size_t comma = std::min(wanted.find(','), wanted.size());
    std::string name(wanted.substr(0, comma));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string near = nearest_name(name, known);
      fail(ErrorCode::kInvalidArgument, "{}: kind ltr has no method \"{}\"{} It can be measured with lambdarank, auto or all",
           spec.file.string(), name, near.empty() ? "." : fmt::format("; did you mean \"{}\"?", near));
    }
    if (name == "all") name = kLambdaRank;
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    if (comma == wanted.size()) return out;
    wanted.remove_prefix(comma + 1);
  }
}

training::RankingRows view_of(const LtrPart& part) {
  return {part.offsets, part.features, part.values, part.labels, part.groups, part.n_features};
}

evaluation::RankerMethod make_ranker(const std::string& name, int threads) {
  training::LambdaRankOptions options;
  options.threads = threads;
  const auto model = std::make_shared<std::optional<training::LambdaRankModel>>();
  evaluation::RankerMethod method;
  method.name = name;
  method.settings = fmt::format("{}trees={} leaves={} rate={}", name == kLambdaRank ? "" : fmt::format("{}: ", kLambdaRank),
                                options.trees, options.leaves, options.learning_rate);
  method.fit = [model, options](const LtrPart& train) {
    model->emplace(training::LambdaRankModel::fit(view_of(train), options));
  };
  method.score = [model, threads](const LtrPart& rows) { return model->value().score(view_of(rows), threads); };
  return method;
}

}  // namespace

std::vector<evaluation::MethodResult> evaluate_ltr(const evaluation::DatasetSpec& spec, std::string_view wanted,
                                                   const evaluation::EvaluateOptions& options) {
  const std::vector<std::string> names = read_names(wanted, spec);
  log_info("evaluate", "{}: reading", spec.name);
  const LtrPart train = evaluation::load_ltr_part(*spec.find(evaluation::Part::kTrain));
  const LtrPart test = evaluation::load_ltr_part(*spec.find(evaluation::Part::kTest));
  std::vector<evaluation::MethodResult> results;
  for (const std::string& name : names) {
    log_info("evaluate", "{}: measuring {} ({} of {}), fitted on {} rows in {} groups", spec.name, name, results.size() + 1,
             names.size(), train.n_rows(), train.n_groups());
    results.push_back(measure_ltr(make_ranker(name, options.threads), train, test, spec.protocol, options));
  }
  return results;
}

}  // namespace lodestone::app
