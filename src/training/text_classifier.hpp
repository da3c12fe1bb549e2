#pragma once
// Names the class of a short text: TF-IDF over characters, pairs of neighbours and words, and for each class against the rest a linear support
// vector machine, fitted by dual coordinate descent (Hsieh, Chang, Lin, Keerthi, Sundararajan, "A Dual Coordinate Descent Method for
// Large-scale Linear SVM", ICML 2008, algorithm 1 with the squared hinge), to whose weights a share of naive Bayes' is added (the mixture is
// that of Wang and Manning, "Baselines and Bigrams", ACL 2012, taken on the weights).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lodestone::training {

struct TextClassifierOptions {
  double cost = 1;            ///< of a violated margin; larger follows the training texts more closely
  double bayes_share = 0.25;  ///< of a token's log-odds of the class, added to its weight; 0 = the support vector machine alone
  int max_rounds = 50;        ///< over the texts
  double tolerance = 0.05;    ///< of the largest and smallest projected gradient of a round; smaller takes more rounds
  std::uint64_t seed = 1;     ///< of the order of the texts in a round
  int threads = 0;            ///< 0 = all cores; the result does not depend on it
};

/// Const after fitting, safe from many threads.
class TextClassifier {
 public:
  /// labels[i] in [0, n_classes) is the class of texts[i] (UTF-8, any bytes). Throws invalid_argument when there are no texts, no classes, or a
  /// label outside. Cost: rounds * classes * tokens.
  TextClassifier(std::span<const std::string_view> texts, std::span<const std::int32_t> labels, std::size_t n_classes,
                 const TextClassifierOptions& options);

  /// The class with the largest margin, of equal ones the lowest; a class without a training text never is. A text without a known token
  /// gets the class that the intercepts favour.
  [[nodiscard]] std::int32_t classify(std::string_view text) const;

  [[nodiscard]] std::size_t n_features() const { return inverse_frequency_.size(); }

 private:
  struct Entry {
    std::uint32_t feature = 0;
    float value = 0;
  };
  /// Rows of different length: row r is entries[offsets[r] .. offsets[r + 1]).
  struct Matrix {
    std::vector<std::size_t> offsets{0};
    std::vector<Entry> entries;
    [[nodiscard]] std::span<const Entry> row(std::size_t r) const {
      return std::span(entries).subspan(offsets[r], offsets[r + 1] - offsets[r]);
    }
  };

  void count_features(std::span<const std::string_view> texts);
  /// Appends the text's known features, of length 1 together.
  void vectorize(std::string_view text, std::vector<Entry>& out) const;
  /// ln(P(token | class) / P(token | other classes)) for each token, from the texts that hold it.
  [[nodiscard]] std::vector<double> log_ratios(const Matrix& rows, std::span<const std::int32_t> labels,
                                               std::int32_t wanted) const;
  void fit_class(const Matrix& rows, std::span<const std::int32_t> labels, std::int32_t wanted,
                 const TextClassifierOptions& options);

  std::size_t n_classes_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> features_;  ///< token hash to number
  std::vector<float> inverse_frequency_;                       ///< [n_features]
  std::vector<float> weights_;                                 ///< [n_features + 1, n_classes], the last row the intercepts
  std::vector<std::uint8_t> seen_;                             ///< [n_classes]: has a training text
};

}  // namespace lodestone::training
