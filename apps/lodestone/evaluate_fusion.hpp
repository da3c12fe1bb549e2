#pragma once
// The two methods made of others: `fused`, and `auto`, which is what training would serve.

#include <memory>
#include <string>
#include <vector>

#include "evaluate_models.hpp"

namespace lodestone::app {

/// Scores of other methods, brought to one scale for each history and summed with weights that are learned on the tuning problem.
class FusedMethod final : public TunedMethod {
 public:
  /// How a method's scores for a history are brought to one scale: (s - mean) / deviation over all items, or s / largest s.
  enum class Scale : std::uint8_t { kDeviation, kLargest };

  /// `parts` in order of trust; where there is nothing to learn from, the first alone counts.
  FusedMethod(std::vector<std::shared_ptr<TunedMethod>> parts, int threads);
  [[nodiscard]] std::string name() const override { return "fused"; }
  /// "ease (lambda=200) + 0.3 als (factors=64)", parts without weight left out.
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 protected:
  /// Tunes and fits each part, then finds the weights.
  double choose(const evaluation::Problem& tuning) override;

 private:
  std::vector<std::shared_ptr<TunedMethod>> parts_;
  std::vector<double> weights_;
  Scale scale_ = Scale::kDeviation;
};

/// The fused list of everything that fits the data; histories that say nothing get the popular items.
class AutoMethod final : public evaluation::Method {
 public:
  AutoMethod(std::vector<std::shared_ptr<TunedMethod>> parts, int threads)
      : fused_(std::move(parts), threads), popular_(threads) {}
  [[nodiscard]] std::string name() const override { return "auto"; }
  [[nodiscard]] std::string settings() const override { return fused_.settings(); }
  void fit(const evaluation::TrainPart& train) override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 private:
  FusedMethod fused_;
  PopularMethod popular_;
};

}  // namespace lodestone::app
