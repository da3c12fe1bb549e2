#pragma once
// The models behind `lodestone evaluate`: each fits by training, chooses its settings on the tuning problem (never on the test part), and
// scores histories.

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <span>
#include <string>

#include "evaluation/evaluate.hpp"
#include "evaluation/method.hpp"
#include "models/recall/neighbours.hpp"
#include "training/content.hpp"
#include "training/ease.hpp"
#include "training/item_knn.hpp"
#include "training/slim.hpp"

namespace lodestone::app {

/// Items at the end of an ordered history that still count: .4^50 is nothing, and long histories cost.
constexpr std::size_t kRecentItems = 50;

/// Gives each item of a history and its weight to `use`: decay^age with the newest at 1; a decay of 1 weighs all the same.
template <typename Use>
void for_each_weighted(std::span<const ItemIndex> history, double decay, Use use) {
  if (decay < 1 && history.size() > kRecentItems) history = history.last(kRecentItems);
  double weight = std::pow(decay, static_cast<double>(history.size()));
  for (const ItemIndex item : history) {
    weight /= decay;
    use(item, static_cast<float>(weight));
  }
}

/// Sets `setting` to each of `values` in turn and keeps the one for which `attempt` returns the most, if that is above `best`.
template <typename Value, typename Attempt>
void try_values(Value& setting, std::initializer_list<Value> values, double& best, Attempt attempt) {
  Value chosen = setting;
  for (const Value value : values) {
    if (value == chosen) continue;
    setting = value;
    const double reached = attempt();
    if (reached > best) {
      best = reached;
      chosen = value;
    }
  }
  setting = chosen;
}

/// A method whose settings can be chosen apart from fitting it.
class TunedMethod : public evaluation::Method {
 public:
  explicit TunedMethod(int threads) : threads_(threads) {}
  /// Chooses on the train part's tuning problem when that has not been done and there is one; else the defaults stand.
  void fit(const evaluation::TrainPart& train) final;
  /// Sets the best settings and returns what they reached: mean NDCG@10 on up to 5,000 cases of the tuning problem.
  double tune(const evaluation::Problem& tuning);
  /// Fits with the settings that stand.
  virtual void fit_as_set(const evaluation::TrainPart& train) = 0;

 protected:
  /// Tries settings; leaves the best set.
  virtual double choose(const evaluation::Problem& tuning) = 0;
  [[nodiscard]] double validate(const evaluation::Problem& tuning) const;
  /// Tries the weights that a history's older items may have, where there is an order, with the model that is fitted now.
  double choose_decay(const evaluation::Problem& tuning, double& decay) const;
  [[nodiscard]] int threads() const { return threads_; }

 private:
  int threads_ = 0;
  bool tuned_ = false;
};

/// Users of an item; the same list for everybody.
class PopularMethod final : public TunedMethod {
 public:
  using TunedMethod::TunedMethod;
  [[nodiscard]] std::string name() const override { return "pop"; }
  [[nodiscard]] std::string settings() const override { return "users of an item"; }
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  std::vector<float> scores_;
};

class ItemKnnMethod final : public TunedMethod {
 public:
  ItemKnnMethod(training::Weighting weighting, int threads);
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  training::ItemKnnOptions options_;
  double decay_ = 1;
  models::OwnedNeighbours influence_;
};

class EaseMethod final : public TunedMethod {
 public:
  explicit EaseMethod(int threads);
  [[nodiscard]] std::string name() const override { return "ease"; }
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  training::EaseOptions options_;
  double decay_ = 1;
  training::EaseModel model_;
};

/// A linear model of few items each, for catalogues of any size.
class SlimMethod final : public TunedMethod {
 public:
  explicit SlimMethod(int threads);
  [[nodiscard]] std::string name() const override { return "slim"; }
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  training::SlimOptions options_;
  double decay_ = 1;
  models::OwnedNeighbours influence_;
};

/// Similarity of texts to the texts of the history: bags of tokens and their dense form together, or the dense form alone.
class ContentMethod final : public TunedMethod {
 public:
  enum class Form : std::uint8_t { kFused, kDense };

  ContentMethod(Form form, int threads);
  [[nodiscard]] std::string name() const override { return form_ == Form::kFused ? "content" : "lsa"; }
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  [[nodiscard]] bool uses_lsa() const { return form_ == Form::kDense || options_.dense_weight > 0; }
  void add_bags(std::span<const ItemIndex> history, std::span<float> scores) const;
  void add_dense(std::span<const ItemIndex> history, float share, std::span<float> scores) const;

  Form form_;
  training::ContentOptions options_;
  double decay_ = 1;
  training::ContentVectors vectors_;
  models::ItemUsers postings_;
  training::LsaVectors lsa_;
};

}  // namespace lodestone::app
