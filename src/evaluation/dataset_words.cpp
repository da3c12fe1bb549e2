#include "evaluation/dataset_words.hpp"

namespace lodestone::evaluation {

std::string_view name_of(Kind kind) { return text_of(kKinds, kind); }
std::string_view name_of(Part part) { return text_of(kParts, part); }
std::string_view name_of(Format format) { return text_of(kFormats, format); }
std::string_view name_of(Split split) { return text_of(kSplits, split); }
std::string_view name_of(Column column) { return text_of(kColumns, column); }
std::string_view name_of(Metric metric) { return text_of(kMetrics, metric); }

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
