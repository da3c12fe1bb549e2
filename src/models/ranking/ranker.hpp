#pragma once
// The rankers of a release and what their rows are made from: the stored features of its users and items.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/tensor_file.hpp"
#include "features/online_columns.hpp"
#include "features/stability.hpp"
#include "features/vectorizer.hpp"
#include "models/ranking/onnx_runtime.hpp"
#include "models/ranking/tree_ensemble.hpp"
#include "models/ranking/tree_scorer.hpp"
#include "models/ranking/tree_shap.hpp"

namespace lodestone::models {

/// Features of users or items as a release stores them: float32 [n_rows, n_columns], row by row; what is missing has its default already.
struct FeatureRows {
  std::vector<std::string> columns;
  std::span<const float> values;

  [[nodiscard]] std::span<const float> row(std::size_t at) const { return values.subspan(at * columns.size(), columns.size()); }
};

/// What a ranker came as.
enum class RankerFormat : std::uint8_t { kLightGbm, kOnnx };

/// One ranker: its trees, which are scored here, or an ONNX model, which ONNX Runtime scores; and how its rows are made.
class Ranker {
 public:
  /// `text` is LightGBM's. Throws as parse_tree_ensemble and Vectorizer do, naming the ranker.
  Ranker(std::string name, std::string_view text, const FeatureRows& users, const FeatureRows& items);
  /// `model` is ONNX's, with the metadata "feature_names"; `library` that of OnnxSession. Throws as that does, and invalid_argument where the
  /// names are not those of its columns, or of features that are unknown or not stored with the release.
  Ranker(std::string name, std::string_view model, const std::filesystem::path& library, const FeatureRows& users,
         const FeatureRows& items);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  [[nodiscard]] const features::Vectorizer& vectorizer() const { return vectorizer_; }
  [[nodiscard]] RankerFormat format() const { return trees_ ? RankerFormat::kLightGbm : RankerFormat::kOnnx; }
  /// Null for a ranker that does not tell what its features add.
  [[nodiscard]] const TreeShap* shap() const { return trees_ ? &trees_->shap : nullptr; }

  /// Raw scores of the first `n_rows` rows [n_columns] of one request, larger is better; `rows` and `out` may be longer. False when one of them
  /// is no finite number, ONNX Runtime fails or `stop` ended the scoring, so that the caller takes another way. Trees ask it after each
  /// TreeScorer::kRowsBetweenAsks rows; ONNX Runtime scores all rows at once.
  [[nodiscard]] bool score(std::span<const float> rows, std::size_t n_rows, std::span<double> out, TreeScorer::Scratch& scratch,
                           StopCheck stop = {}) const;

 private:
  struct Trees {
    explicit Trees(TreeEnsemble model) : scorer(model), shap(std::move(model)) {}
    TreeScorer scorer;
    TreeShap shap;
  };
  Ranker(std::string name, TreeEnsemble model, const FeatureRows& users, const FeatureRows& items);

  std::string name_;
  std::vector<std::string> columns_;
  features::Vectorizer vectorizer_;
  /// One of the two.
  std::optional<Trees> trees_;
  std::unique_ptr<const OnnxSession> session_;
};

/// What a release ranks with. Const after load, safe from many threads.
struct Ranking {
  FeatureRows users;                           ///< a row a user of the release, in their order
  FeatureRows items;                           ///< a row an item of the catalogue
  std::span<const std::uint64_t> tag_offsets;  ///< by item, [n_items + 1], into item_tags
  std::span<const std::int32_t> item_tags;     ///< codes of each item's tags in the vocabulary, each once; 0 = a rare tag
  std::map<std::string, TextList, std::less<>> vocabularies;  ///< of the features' categories, by domain; place = code
  std::vector<float> guest;                                   ///< the row of somebody who is not known
  features::OnlineColumns online_users;                       ///< columns of `users` that change with events
  features::OnlineColumns online_items;
  std::optional<TimePoint> as_of;                      ///< nothing later is in the rows; not known in a release of before
  features::RowReference reference;                    ///< what the preferred ranker was fitted on
  std::vector<std::unique_ptr<const Ranker>> rankers;  ///< the preferred first; none = lists are as recall has them

  [[nodiscard]] features::ItemValues item(ItemIndex item) const {
    const auto i = static_cast<std::size_t>(item);
    return {items.row(i), item_tags.subspan(tag_offsets[i], tag_offsets[i + 1] - tag_offsets[i])};
  }
};

/// The same with its memory, as training makes it. Without columns there is nothing to rank with.
struct OwnedRanking {
  struct Rows {
    std::vector<std::string> columns;
    std::vector<float> values;
  };
  struct Text {
    std::string name;  ///< [a-z0-9_-]
    std::string text;  ///< LightGBM's
  };
  Rows users;  ///< beside ReleaseData::users
  Rows items;  ///< beside ReleaseData::items
  std::vector<std::uint64_t> tag_offsets{0};
  std::vector<std::int32_t> item_tags;
  std::map<std::string, std::vector<std::string>, std::less<>> vocabularies;
  std::optional<TimePoint> as_of;    ///< nothing later is in the rows
  features::RowReference reference;  ///< what the preferred ranker was fitted on
  std::vector<Text> rankers;         ///< the preferred first
  std::string card;                  ///< the model card, Markdown; "" = none
  [[nodiscard]] bool empty() const { return items.columns.empty() && users.columns.empty(); }
};

}  // namespace lodestone::models
