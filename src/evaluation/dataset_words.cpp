#include "evaluation/dataset_words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/nearest.hpp"

namespace lodestone::evaluation {

std::string_view name_of(Kind kind) { return text_of(kKinds, kind); }
std::string_view name_of(Part part) { return text_of(kParts, part); }
std::string_view name_of(Format format) { return text_of(kFormats, format); }
std::string_view name_of(Split split) { return text_of(kSplits, split); }
std::string_view name_of(Column column) { return text_of(kColumns, column); }
std::string_view name_of(Metric metric) { return text_of(kMetrics, metric); }

namespace {

bool allows(const DatasetSpec& spec, Metric metric) {
  const bool histories = spec.kind != Kind::kSimilarItems && spec.kind != Kind::kTextSearch;
  if (metric == Metric::kDiversity) return spec.find(Part::kItems) != nullptr;
  return histories || (metric != Metric::kNovelty && metric != Metric::kPopularityBias);
}

}  // namespace

std::vector<Metric> parse_metrics(std::string_view names, const DatasetSpec& spec) {
  const std::vector<Metric> known = rules_of(spec.kind).metrics;
  std::vector<std::string> words;
  for (const Metric m : known) words.emplace_back(name_of(m));
  std::vector<Metric> out;
  const auto add = [&](Metric m) {
    if (std::find(out.begin(), out.end(), m) == out.end()) out.push_back(m);
  };
  while (true) {
    const std::size_t comma = std::min(names.find(','), names.size());
    const std::string_view name = names.substr(0, comma);
    const auto word = std::find(words.begin(), words.end(), name);
    if (name == "all") {
      for (const Metric m : known) {
        if (allows(spec, m)) add(m);
      }
    } else if (word != words.end()) {
      add(known[static_cast<std::size_t>(word - words.begin())]);
    } else {
      const std::string near = nearest_name(name, words);
      fail(ErrorCode::kInvalidArgument, "--metrics: \"{}\" is no metric of kind {}{}; it has {}, or all", name,
           name_of(spec.kind), near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near), fmt::join(words, ", "));
    }
    if (comma == names.size()) return out;
    names.remove_prefix(comma + 1);
  }
}

bool has_cut_off(Metric metric) {
  return metric != Metric::kAuc && metric != Metric::kWordF1 && metric != Metric::kAccuracy &&
         metric != Metric::kQueriesPerSecond;
}

KindRules rules_of(Kind kind) {
  const std::vector<Metric> ranking{Metric::kRecall,    Metric::kPrecision, Metric::kHitRate,       Metric::kNdcg,
                                    Metric::kMrr,       Metric::kMap,       Metric::kAuc,           Metric::kCoverage,
                                    Metric::kDiversity, Metric::kNovelty,   Metric::kPopularityBias};
  switch (kind) {
    case Kind::kInteractions:
      return {{Format::kAdjacency, Format::kSequences, Format::kTable, Format::kJsonl},
              {Split::kGiven, Split::kLeaveOneOut, Split::kKFold, Split::kPerUser, Split::kTime},
              ranking,
              {Part::kTrain, Part::kTest}};
    case Kind::kSequences:
      return {{Format::kSequences, Format::kTable, Format::kJsonl},
              {Split::kGiven, Split::kLeaveOneOut, Split::kPerUser, Split::kTime},
              ranking,
              {Part::kTrain, Part::kTest}};
    case Kind::kSessions:
      return {{Format::kSessionItems, Format::kPrefixTarget, Format::kSequences, Format::kTable, Format::kJsonl},
              {Split::kGiven, Split::kLeaveOneOut, Split::kTime},
              ranking,
              {Part::kTrain, Part::kTest}};
    case Kind::kSimilarItems:
    case Kind::kTextSearch: return {{Format::kTable, Format::kJsonl}, {Split::kGiven}, ranking, {Part::kItems, Part::kTruth}};
    case Kind::kLtr:
      return {{Format::kSvmlight},
              {Split::kGiven},
              {Metric::kNdcg, Metric::kMap, Metric::kMrr, Metric::kPrecision, Metric::kRecall, Metric::kAuc},
              {Part::kTrain, Part::kTest}};
    case Kind::kVectors:
      return {{Format::kFvecs, Format::kIvecs},
              {Split::kGiven},
              {Metric::kRecall, Metric::kQueriesPerSecond},
              {Part::kBase, Part::kQuery, Part::kTruth}};
    case Kind::kTokens: return {{Format::kTokens}, {Split::kGiven}, {Metric::kWordF1}, {Part::kTest}};
    case Kind::kLabelledText:
      return {{Format::kLabelled}, {Split::kGiven, Split::kKFold}, {Metric::kAccuracy}, {Part::kTrain, Part::kTest}};
  }
  return {};
}

}  // namespace lodestone::evaluation
