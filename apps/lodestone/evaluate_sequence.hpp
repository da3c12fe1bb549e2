#pragma once
// The methods of `lodestone evaluate` that look at other histories and at the order within them: rules, session kNN, user-kNN.

#include "evaluate_models.hpp"
#include "models/recall/history_neighbours.hpp"
#include "training/sequence_rules.hpp"

namespace lodestone::app {

/// What came after the last items of the history.
class RulesMethod final : public TunedMethod {
 public:
  explicit RulesMethod(int threads);
  [[nodiscard]] std::string name() const override { return "rules"; }
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  training::SequenceRulesOptions options_;
  double decay_ = 0.5;
  models::OwnedNeighbours rules_;
};

/// What stands in the histories nearest to this one; kSessions looks at their order.
class HistoryNeighboursMethod final : public TunedMethod {
 public:
  enum class Form : std::uint8_t { kUsers, kSessions };
  HistoryNeighboursMethod(Form form, int threads);
  [[nodiscard]] std::string name() const override { return form_ == Form::kUsers ? "userknn" : "sessionknn"; }
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  Form form_;
  models::HistoryNeighboursOptions options_;
  models::HistoryNeighbours model_;
};

}  // namespace lodestone::app
