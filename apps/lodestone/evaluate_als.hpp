#pragma once
// Implicit ALS behind `lodestone evaluate`.

#include <cstddef>
#include <span>
#include <string>

#include "evaluate_models.hpp"
#include "training/als.hpp"

namespace lodestone::app {

/// Vectors of users and items; a history is folded in exactly, so that it need not have been in training. With an order, older
/// items of a history may count less.
class AlsMethod final : public TunedMethod {
 public:
  explicit AlsMethod(int threads);
  [[nodiscard]] std::string name() const override { return "als"; }
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 protected:
  /// About fourteen models of few factors and sweeps, then up to four of the size that is kept; fewer on much data.
  double choose(const evaluation::Problem& tuning) override;

 private:
  void set(const training::AlsOptions& options);

  training::AlsOptions options_;
  double decay_ = 1;
  training::AlsModel model_;
};

}  // namespace lodestone::app
