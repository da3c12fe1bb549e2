#pragma once
// The words of dataset.yaml and what they mean: one table for each enumeration.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "evaluation/dataset_spec.hpp"

namespace lodestone::evaluation {

template <typename Enum>
struct Word {
  std::string_view text;
  Enum value;
};

inline constexpr std::array<Word<Kind>, 9> kKinds{{{"interactions", Kind::kInteractions},
                                                   {"sequences", Kind::kSequences},
                                                   {"sessions", Kind::kSessions},
                                                   {"similar-items", Kind::kSimilarItems},
                                                   {"text-search", Kind::kTextSearch},
                                                   {"ltr", Kind::kLtr},
                                                   {"vectors", Kind::kVectors},
                                                   {"tokens", Kind::kTokens},
                                                   {"labelled-text", Kind::kLabelledText}}};
inline constexpr std::array<Word<Part>, 11> kParts{{{"train", Part::kTrain},
                                                    {"valid", Part::kValid},
                                                    {"test", Part::kTest},
                                                    {"tune_train", Part::kTuneTrain},
                                                    {"tune_valid", Part::kTuneValid},
                                                    {"events", Part::kEvents},
                                                    {"items", Part::kItems},
                                                    {"users", Part::kUsers},
                                                    {"truth", Part::kTruth},
                                                    {"base", Part::kBase},
                                                    {"query", Part::kQuery}}};
inline constexpr std::array<Word<Format>, 11> kFormats{{{"adjacency", Format::kAdjacency},
                                                        {"sequences", Format::kSequences},
                                                        {"session-items", Format::kSessionItems},
                                                        {"prefix-target", Format::kPrefixTarget},
                                                        {"table", Format::kTable},
                                                        {"jsonl", Format::kJsonl},
                                                        {"svmlight", Format::kSvmlight},
                                                        {"fvecs", Format::kFvecs},
                                                        {"ivecs", Format::kIvecs},
                                                        {"tokens", Format::kTokens},
                                                        {"labelled", Format::kLabelled}}};
inline constexpr std::array<Word<Split>, 5> kSplits{{{"given", Split::kGiven},
                                                     {"leave-one-out", Split::kLeaveOneOut},
                                                     {"k-fold", Split::kKFold},
                                                     {"per-user", Split::kPerUser},
                                                     {"time", Split::kTime}}};
inline constexpr std::array<Word<Column>, 13> kColumns{{{"user", Column::kUser},
                                                        {"session", Column::kSession},
                                                        {"item", Column::kItem},
                                                        {"at", Column::kAt},
                                                        {"value", Column::kValue},
                                                        {"title", Column::kTitle},
                                                        {"description", Column::kDescription},
                                                        {"tags", Column::kTags},
                                                        {"owner", Column::kOwner},
                                                        {"query", Column::kQuery},
                                                        {"group", Column::kGroup},
                                                        {"relevance", Column::kRelevance},
                                                        {"relevant", Column::kRelevant}}};
inline constexpr std::array<Word<Metric>, 14> kMetrics{{{"recall", Metric::kRecall},
                                                        {"precision", Metric::kPrecision},
                                                        {"hit_rate", Metric::kHitRate},
                                                        {"ndcg", Metric::kNdcg},
                                                        {"mrr", Metric::kMrr},
                                                        {"map", Metric::kMap},
                                                        {"auc", Metric::kAuc},
                                                        {"coverage", Metric::kCoverage},
                                                        {"diversity", Metric::kDiversity},
                                                        {"novelty", Metric::kNovelty},
                                                        {"popularity_bias", Metric::kPopularityBias},
                                                        {"word_f1", Metric::kWordF1},
                                                        {"accuracy", Metric::kAccuracy},
                                                        {"queries_per_second", Metric::kQueriesPerSecond}}};
inline constexpr std::array<Word<PrefixOrder>, 2> kPrefixOrders{
    {{"oldest-first", PrefixOrder::kOldestFirst}, {"newest-first", PrefixOrder::kNewestFirst}}};
inline constexpr std::array<Word<PerUserBy>, 2> kPerUserBys{{{"hash", PerUserBy::kHash}, {"time", PerUserBy::kTime}}};
inline constexpr std::array<Word<Candidates>, 2> kCandidates{{{"all", Candidates::kAll}, {"truth", Candidates::kTruth}}};

/// What a kind takes: its formats, its splits, its metrics, and the parts that a given split must have.
struct KindRules {
  std::vector<Format> formats;  ///< of the parts that are not items, users or truth
  std::vector<Split> splits;
  std::vector<Metric> metrics;
  std::vector<Part> given;
};

KindRules rules_of(Kind kind);

template <typename Enum, std::size_t N>
std::vector<std::string> texts_of(const std::array<Word<Enum>, N>& words) {
  std::vector<std::string> out;
  for (const auto& word : words) out.emplace_back(word.text);
  return out;
}

template <typename Enum, std::size_t N>
const Enum* find_word(const std::array<Word<Enum>, N>& words, std::string_view text) {
  for (const auto& word : words) {
    if (word.text == text) return &word.value;
  }
  return nullptr;
}

template <typename Enum, std::size_t N>
std::string_view text_of(const std::array<Word<Enum>, N>& words, Enum value) {
  for (const auto& word : words) {
    if (word.value == value) return word.text;
  }
  return "";
}

}  // namespace lodestone::evaluation
