#pragma once
// Learning to rank by gradient boosted trees: LightGBM's lambdarank (Burges, "From RankNet to LambdaRank to LambdaMART", MSR-TR-2010-82;
// Ke et al., "LightGBM", NIPS 2017) behind one class. This is the one folder that names the library.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lodestone::training {

/// Sparse rows by groups: row r has features[offsets[r] .. offsets[r + 1]), from 0, and values beside them; what is left out is 0. Group g is
/// the rows [groups[g], groups[g + 1]). Nothing is owned.
struct RankingRows {
  std::span<const std::uint64_t> offsets;
  std::span<const std::int32_t> features;
  std::span<const double> values;
  std::span<const float> labels;  ///< grades, whole numbers in 0..30; empty when rows are only scored
  std::span<const std::uint64_t> groups;
  std::size_t n_features = 0;
};

/// The defaults are those of LightGBM's packages.
struct LambdaRankOptions {
  int trees = 100;             ///< time and size grow with it; small data overfits with more
  int leaves = 31;             ///< of a tree
  double learning_rate = 0.1;  ///< smaller wants more trees
  int min_rows_in_leaf = 20;   ///< smaller fits rarer cases, and noise
  int threads = 0;             ///< 0 = all cores, or one for fewer than 20,000 rows; the trees do not depend on it
};

/// A fitted ranker. Scoring is const and may run in many threads.
class LambdaRankModel {
 public:
  /// Throws invalid_argument when there is no row, when a label is no grade, and with the library's words for what else it refuses (a group of
  /// more than 10,000 rows).
  static LambdaRankModel fit(const RankingRows& rows, const LambdaRankOptions& options);

  /// A score a row, larger is better. Features that the fit has not seen take no part.
  [[nodiscard]] std::vector<double> score(const RankingRows& rows, int threads) const;
  /// LightGBM's text format, version 4.
  [[nodiscard]] std::string to_text() const;

  ~LambdaRankModel();
  LambdaRankModel(LambdaRankModel&& other) noexcept;
  LambdaRankModel& operator=(LambdaRankModel&& other) noexcept;
  LambdaRankModel(const LambdaRankModel&) = delete;
  LambdaRankModel& operator=(const LambdaRankModel&) = delete;

 private:
  struct Booster;
  explicit LambdaRankModel(std::unique_ptr<Booster> booster);
  std::unique_ptr<Booster> booster_;
};

}  // namespace lodestone::training
