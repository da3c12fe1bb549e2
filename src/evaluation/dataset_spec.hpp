#pragma once
// dataset.yaml, version 1: what a data set is made of and by which protocol methods are measured on it. The format is described in
// docs/formats/dataset-yaml.md; a set nobody has seen runs by its words alone.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace lodestone::evaluation {

enum class Kind : std::uint8_t {
  kInteractions,
  kSequences,
  kSessions,
  kSimilarItems,
  kTextSearch,
  kLtr,
  kVectors,
  kTokens,
  kLabelledText
};
enum class Part : std::uint8_t { kTrain, kValid, kTest, kTuneTrain, kTuneValid, kEvents, kItems, kUsers, kTruth, kBase, kQuery };
enum class Format : std::uint8_t {
  kAdjacency,
  kSequences,
  kSessionItems,
  kPrefixTarget,
  kTable,
  kJsonl,
  kSvmlight,
  kFvecs,
  kIvecs,
  kTokens,
  kLabelled
};
enum class Split : std::uint8_t { kGiven, kLeaveOneOut, kKFold, kPerUser, kTime };
enum class Column : std::uint8_t {
  kUser,
  kSession,
  kItem,
  kAt,
  kValue,
  kTitle,
  kDescription,
  kTags,
  kOwner,
  kQuery,
  kGroup,
  kRelevance,
  kRelevant
};
enum class Metric : std::uint8_t {
  kRecall,
  kPrecision,
  kHitRate,
  kNdcg,
  kMrr,
  kMap,
  kAuc,
  kCoverage,
  kDiversity,
  kNovelty,
  kPopularityBias,
  kWordF1,
  kAccuracy,
  kQueriesPerSecond
};
enum class PrefixOrder : std::uint8_t { kOldestFirst, kNewestFirst };
enum class PerUserBy : std::uint8_t { kHash, kTime };
enum class Candidates : std::uint8_t { kAll, kTruth };

/// The words of dataset.yaml.
std::string_view name_of(Kind kind);
std::string_view name_of(Part part);
std::string_view name_of(Format format);
std::string_view name_of(Split split);
std::string_view name_of(Column column);
std::string_view name_of(Metric metric);
/// Whether the metric is taken at cut-offs ("ndcg@10") or not ("auc").
bool has_cut_off(Metric metric);

/// Our column and the header's name (or dotted path, for JSON lines) that holds it.
struct ColumnSource {
  Column column = Column::kItem;
  std::string source;
  int line = 0;  ///< in dataset.yaml, 0 when it stands there by default
};

struct FileSpec {
  Part part = Part::kEvents;
  fs::path path;  ///< absolute or relative to the current folder, ready to be opened
  Format format = Format::kTable;
  char delimiter = '\t';
  std::vector<ColumnSource> columns;
  std::string tag_separator;  ///< "" = at any of ; | and comma
  PrefixOrder prefix_order = PrefixOrder::kOldestFirst;
  fs::path groups;       ///< svmlight alone
  std::string distance;  ///< truth of vectors alone: cosine, ip, l2
  int line = 0;          ///< in dataset.yaml

  [[nodiscard]] const ColumnSource* find(Column column) const;
};

struct Protocol {
  Split split = Split::kGiven;
  bool tune_on_valid = false;
  std::vector<Part> hide;
  std::vector<std::size_t> k{10};
  std::vector<Metric> metrics;
  int folds = 5;
  std::uint64_t seed = 1;
  double fraction = 0.8;
  PerUserBy by = PerUserBy::kHash;
  std::optional<double> value_min;
  std::optional<double> until;        ///< epoch seconds
  std::optional<double> valid_until;  ///< epoch seconds
  Candidates candidates = Candidates::kAll;
};

struct DatasetSpec {
  fs::path file;
  std::string name;
  Kind kind = Kind::kInteractions;
  std::vector<FileSpec> files;
  Protocol protocol;

  [[nodiscard]] const FileSpec* find(Part part) const;
  /// The one part that a split cuts: events, else train.
  [[nodiscard]] const FileSpec& cut_part() const;
};

/// Metrics by their names, parted by commas, instead of the protocol's; "all" are those that the data allows: diversity needs files.items,
/// novelty and popularity_bias need histories. Throws invalid_argument for a name that is no metric of the kind, with the nearest.
std::vector<Metric> parse_metrics(std::string_view names, const DatasetSpec& spec);

/// Reads the text of a dataset.yaml; `file` names it in errors and is where paths start from. No file is opened. Throws invalid_argument
/// with every fault, one a line, each with its key path.
DatasetSpec parse_dataset_spec(std::string_view text, const fs::path& file);

/// `data` is a dataset file or a folder that holds dataset.yaml. Also checks that all files are there and hold the columns; all faults come
/// in one error. Throws not_found when there is no dataset.yaml.
DatasetSpec load_dataset_spec(const fs::path& data);

}  // namespace lodestone::evaluation
