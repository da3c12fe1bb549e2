#pragma once
// The models behind `lodestone evaluate`: each fits by training, chooses its settings on the tuning problem (never on the test part), and
// scores histories.

#include <memory>
#include <string>
#include <vector>

#include "evaluation/evaluate.hpp"
#include "evaluation/method.hpp"
#include "models/recall/neighbours.hpp"
#include "training/content.hpp"
#include "training/ease.hpp"
#include "training/item_knn.hpp"

namespace lodestone::app {

/// A method whose settings can be chosen apart from fitting it.
class TunedMethod : public evaluation::Method {
 public:
  explicit TunedMethod(int threads) : threads_(threads) {}
  /// Chooses on the train part's tuning problem when that has not been done and there is one; else the defaults stand.
  void fit(const evaluation::TrainPart& train) final;
  /// Sets the best settings and returns what they reached: mean NDCG@10 on up to 5,000 cases of the tuning problem.
  double tune(const evaluation::Problem& tuning);

 protected:
  /// Tries settings; leaves the best set.
  virtual double choose(const evaluation::Problem& tuning) = 0;
  virtual void fit_as_set(const evaluation::TrainPart& train) = 0;
  [[nodiscard]] double validate(const evaluation::Problem& tuning) const;
  /// Tries the weights that a history's older items may have, where there is an order, with the model that is fitted now.
  double choose_decay(const evaluation::Problem& tuning, double& decay) const;
  [[nodiscard]] int threads() const { return threads_; }

  friend class FusedMethod;

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

/// Similarity of texts to the texts of the history.
class ContentMethod final : public TunedMethod {
 public:
  using TunedMethod::TunedMethod;
  [[nodiscard]] std::string name() const override { return "content"; }
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  double decay_ = 1;
  training::ContentVectors vectors_;
  models::ItemUsers postings_;
};

/// Reciprocal ranks of other methods' lists, weighted (Cormack, Clarke, Buettcher, SIGIR 2009): bounded, and blind to the scores' scales.
class FusedMethod final : public TunedMethod {
 public:
  /// The first is the one that the others are weighed against.
  FusedMethod(std::vector<std::shared_ptr<TunedMethod>> parts, int threads);
  [[nodiscard]] std::string name() const override { return "fused"; }
  [[nodiscard]] std::string settings() const override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 protected:
  double choose(const evaluation::Problem& tuning) override;
  void fit_as_set(const evaluation::TrainPart& train) override;

 private:
  std::vector<std::shared_ptr<TunedMethod>> parts_;
  std::vector<double> weights_;
};

/// What training would choose: the candidate that is best on the tuning problem; histories that say nothing get the popular items.
class AutoMethod final : public evaluation::Method {
 public:
  /// `candidates` in order of preference; the first is taken when there is nothing to tune on.
  AutoMethod(std::vector<std::shared_ptr<TunedMethod>> candidates, int threads);
  [[nodiscard]] std::string name() const override { return "auto"; }
  [[nodiscard]] std::string settings() const override;
  void fit(const evaluation::TrainPart& train) override;
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override;

 private:
  std::vector<std::shared_ptr<TunedMethod>> candidates_;
  std::shared_ptr<TunedMethod> chosen_;
  PopularMethod popular_;
};

}  // namespace lodestone::app
