#pragma once
// What is measured. Fitting lives in training, which evaluation does not see: apps fills this interface.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "evaluation/problem.hpp"

namespace lodestone::evaluation {

/// A way of ranking items for a history. fit() comes first and may come again for another fold; score() is then safe from many threads.
class Method {
 public:
  virtual ~Method() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  /// What was set or chosen, "lambda=200 neighbors=100"; valid after fit().
  [[nodiscard]] virtual std::string settings() const = 0;
  virtual void fit(const TrainPart& train) = 0;
  /// Writes a score for every item into `scores` [n_items]; `history` is ordered as those of the train part.
  virtual void score(std::span<const ItemIndex> history, std::span<float> scores) const = 0;
};

/// Makes a fresh one.
using MethodFactory = std::function<std::unique_ptr<Method>()>;

/// Text search: fit on the items' texts, then score every item for a query. One way of doing it exists, so it is no class.
struct SearchMethod {
  std::string name;
  std::string settings;
  std::function<void(std::span<const models::Item> texts)> fit;
  /// Safe from many threads after fit.
  std::function<void(std::string_view query, std::span<float> scores)> score;
};

}  // namespace lodestone::evaluation
