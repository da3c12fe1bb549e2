#include "evaluation/splits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace lodestone::evaluation {
namespace {

/// Where a row of the cut part goes.
enum class Side : std::uint8_t { kTrain, kValid, kTest, kDropped };

/// Inner splits of train parts for tuning: share of a user's history, or of the sessions, to fit on.
constexpr double kTuneFraction = 0.8;
constexpr double kTuneSessions = 0.9;

struct HashedRow {
  std::size_t row = 0;
  std::uint64_t hash = 0;
};

void sort_by_hash(std::vector<HashedRow>& rows) {
  std::sort(rows.begin(), rows.end(),
            [](const HashedRow& a, const HashedRow& b) { return a.hash != b.hash ? a.hash < b.hash : a.row < b.row; });
}

bool contains(const std::vector<Part>& parts, Part part) { return std::find(parts.begin(), parts.end(), part) != parts.end(); }

/// Histories by user from rows of events that `wanted` takes: by time where there is one, else in file order.
template <typename Wanted>
Rows group(const Events& events, std::size_t n_users, Wanted wanted) {
  std::vector<std::size_t> order;
  for (std::size_t r = 0; r < events.users.size(); ++r) {
    if (wanted(r)) order.push_back(r);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (events.users[a] != events.users[b]) return events.users[a] < events.users[b];
    return !events.times.empty() && events.times[a] < events.times[b];
  });
  Rows out;
  std::size_t at = 0;
  for (std::size_t u = 0; u < n_users; ++u) {
    for (; at < order.size() && static_cast<std::size_t>(events.users[order[at]]) == u; ++at)
      out.items.push_back(events.items[order[at]]);
    out.offsets.push_back(out.items.size());
  }
  return out;
}

std::size_t count_users(const Events& events) {
  return events.users.empty() ? 0 : static_cast<std::size_t>(*std::max_element(events.users.begin(), events.users.end())) + 1;
}

std::vector<ItemIndex> as_set(std::span<const ItemIndex> items) {
  std::vector<ItemIndex> out(items.begin(), items.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// Adds a case for each user with a target. `hidden` holds the histories whose items cannot be listed.
void add_cases(Problem& problem, const Rows& inputs, const Rows& targets, const std::vector<const Rows*>& hidden) {
  std::vector<ItemIndex> hide;
  for (std::size_t u = 0; u < targets.size(); ++u) {
    if (targets[u].empty()) continue;
    problem.inputs.add(inputs[u]);
    problem.targets.add(as_set(targets[u]));
    hide.clear();
    for (const Rows* rows : hidden) hide.insert(hide.end(), (*rows)[u].begin(), (*rows)[u].end());
    problem.hidden.add(as_set(hide));
    problem.subjects.push_back(static_cast<std::int32_t>(u));
  }
}

/// A case for each prefix of a session: the item that came next.
void add_prefixes(Problem& problem, std::span<const ItemIndex> session, std::int32_t subject, bool hide) {
  for (std::size_t n = 1; n < session.size(); ++n) {
    problem.inputs.add(session.first(n));
    problem.targets.add(session.subspan(n, 1));
    problem.hidden.add(hide ? as_set(session.first(n)) : std::vector<ItemIndex>{});
    problem.subjects.push_back(subject);
  }
}

class Splitter {
 public:
  explicit Splitter(const Dataset& data) : data_(data), spec_(data.spec), protocol_(data.spec.protocol) {}

  std::vector<Problem> run() {
    std::vector<Problem> out;
    if (spec_.kind == Kind::kSimilarItems || spec_.kind == Kind::kTextSearch) {
      out.push_back(from_truth());
    } else if (spec_.kind == Kind::kSessions) {
      out.push_back(protocol_.split == Split::kGiven ? given_sessions() : cut_sessions());
    } else if (protocol_.split == Split::kGiven) {
      out.push_back(given());
    } else {
      const int folds = protocol_.split == Split::kKFold ? protocol_.folds : 1;
      for (int fold = 0; fold < folds; ++fold) out.push_back(cut(fold));
    }
    for (const Problem& problem : out) {
      if (problem.targets.size() == 0) {
        fail(ErrorCode::kInvalidArgument, "{}: no {} has a test item under split {}; there is nothing to measure",
             spec_.file.string(), spec_.kind == Kind::kSessions ? "session" : "user", name_of(protocol_.split));
      }
    }
    return out;
  }

 private:
  [[nodiscard]] const Events& events(Part part) const { return data_.events.at(part); }
  [[nodiscard]] bool has(Part part) const { return data_.events.contains(part); }

  Problem start(Rows histories) const {
    Problem problem;
    problem.train.n_items = data_.n_items;
    problem.train.histories = std::move(histories);
    problem.train.order = spec_.kind == Kind::kInteractions ? HistoryOrder::kNone : HistoryOrder::kTime;
    problem.train.texts = data_.texts;
    return problem;
  }

  Rows all_of(Part part) const {
    if (!has(part)) {
      Rows empty;
      empty.offsets.assign(data_.n_users + 1, 0);
      return empty;
    }
    const Events& e = events(part);
    return group(e, data_.n_users, [&](std::size_t r) {
      return !protocol_.value_min || e.values.empty() || static_cast<double>(e.values[r]) >= *protocol_.value_min;
    });
  }

  /// The parts as they lie.
  Problem given() const {
    Problem problem = start(all_of(Part::kTrain));
    const Rows valid = all_of(Part::kValid);
    std::vector<const Rows*> hidden;
    if (contains(protocol_.hide, Part::kTrain)) hidden.push_back(&problem.train.histories);
    if (contains(protocol_.hide, Part::kValid)) hidden.push_back(&valid);
    add_cases(problem, problem.train.histories, all_of(Part::kTest), hidden);
    if (has(Part::kTuneTrain)) {
      problem.train.tuning = tuning_of(all_of(Part::kTuneTrain), all_of(Part::kTuneValid));
    } else if (protocol_.tune_on_valid) {
      problem.train.tuning = tuning_of(problem.train.histories, valid);
    } else {
      problem.train.tuning = inner(problem.train.histories, PerUserBy::kHash);
    }
    return problem;
  }

  std::shared_ptr<const Problem> tuning_of(Rows histories, const Rows& targets) const {
    auto problem = std::make_shared<Problem>(start(std::move(histories)));
    std::vector<const Rows*> hidden;
    if (contains(protocol_.hide, Part::kTrain)) hidden.push_back(&problem->train.histories);
    add_cases(*problem, problem->train.histories, targets, hidden);
    return problem->targets.size() == 0 ? nullptr : problem;
  }

  /// Cuts each history once more: the last item of sequences, the latest fifth when the outer split is by time, else a fifth by hash.
  std::shared_ptr<const Problem> inner(const Rows& histories, PerUserBy by) const {
    Rows fit;
    Rows ask;
    std::vector<HashedRow> order;
    std::vector<char> fits;
    for (std::size_t u = 0; u < histories.size(); ++u) {
      const auto row = histories[u];
      std::size_t n = train_count(kTuneFraction, row.size());
      if (spec_.kind == Kind::kSequences && row.size() > 1) n = row.size() - 1;
      order.clear();
      for (std::size_t k = 0; k < row.size(); ++k) order.push_back({k, row_hash(protocol_.seed + 1, histories.offsets[u] + k)});
      if (spec_.kind != Kind::kSequences && by == PerUserBy::kHash) sort_by_hash(order);
      fits.assign(row.size(), 0);
      for (std::size_t k = 0; k < n; ++k) fits[order[k].row] = 1;
      for (std::size_t k = 0; k < row.size(); ++k) (fits[k] != 0 ? fit : ask).items.push_back(row[k]);
      fit.offsets.push_back(fit.items.size());
      ask.offsets.push_back(ask.items.size());
    }
    return tuning_of(std::move(fit), ask);
  }

  /// Splits that cut the one part row by row.
  Problem cut(int fold) const {
    const Events& e = events(spec_.cut_part().part);
    const std::vector<Side> sides = sides_of(e, fold);
    const auto rows = [&](Side side) { return group(e, data_.n_users, [&](std::size_t r) { return sides[r] == side; }); };
    const Rows train = rows(Side::kTrain);
    const Rows valid = rows(Side::kValid);
    // Validation is for choosing; the method under test is then fitted on, and sees, everything that is not test.
    Problem problem =
        start(group(e, data_.n_users, [&](std::size_t r) { return sides[r] == Side::kTrain || sides[r] == Side::kValid; }));
    std::vector<const Rows*> hidden;
    if (contains(protocol_.hide, Part::kTrain)) hidden.push_back(&train);
    if (contains(protocol_.hide, Part::kValid)) hidden.push_back(&valid);
    add_cases(problem, problem.train.histories, rows(Side::kTest), hidden);
    const bool has_valid = std::find(sides.begin(), sides.end(), Side::kValid) != sides.end();
    const bool by_time =
        protocol_.split == Split::kTime || (protocol_.split == Split::kPerUser && protocol_.by == PerUserBy::kTime);
    problem.train.tuning =
        has_valid ? tuning_of(train, valid) : inner(problem.train.histories, by_time ? PerUserBy::kTime : PerUserBy::kHash);
    return problem;
  }

  std::vector<Side> sides_of(const Events& e, int fold) const {
    std::vector<Side> sides(e.users.size(), Side::kTrain);
    for (std::size_t r = 0; r < sides.size(); ++r) {
      if (protocol_.value_min && !e.values.empty() && static_cast<double>(e.values[r]) < *protocol_.value_min) {
        sides[r] = Side::kDropped;
      } else if (protocol_.split == Split::kKFold) {
        const bool tested =
            row_hash(protocol_.seed, r) % static_cast<std::uint64_t>(protocol_.folds) == static_cast<std::uint64_t>(fold);
        if (tested) sides[r] = Side::kTest;
      } else if (protocol_.split == Split::kTime) {
        if (e.times[r] >= *protocol_.until) {
          sides[r] = Side::kTest;
        } else if (protocol_.valid_until && e.times[r] >= *protocol_.valid_until) {
          sides[r] = Side::kValid;
        }
      }
    }
    if (protocol_.split == Split::kPerUser || protocol_.split == Split::kLeaveOneOut) by_user(e, sides);
    return sides;
  }

  void by_user(const Events& e, std::vector<Side>& sides) const {
    const bool last = protocol_.split == Split::kLeaveOneOut;
    const bool by_hash = !last && protocol_.by == PerUserBy::kHash;
    std::vector<std::vector<HashedRow>> rows(data_.n_users);
    for (std::size_t r = 0; r < sides.size(); ++r) {
      if (sides[r] != Side::kDropped)
        rows[static_cast<std::size_t>(e.users[r])].push_back({r, by_hash ? row_hash(protocol_.seed, r) : 0});
    }
    for (auto& mine : rows) {
      if (by_hash) {
        sort_by_hash(mine);
      } else if (!e.times.empty()) {
        std::stable_sort(mine.begin(), mine.end(),
                         [&](const HashedRow& a, const HashedRow& b) { return e.times[a.row] < e.times[b.row]; });
      }
      if (last) {
        // One item alone has no input and stays in train; of two, the first is the only input and validates nothing.
        if (mine.size() >= 2) sides[mine.back().row] = Side::kTest;
        if (mine.size() >= 3) sides[mine[mine.size() - 2].row] = Side::kValid;
      } else {
        for (std::size_t k = train_count(protocol_.fraction, mine.size()); k < mine.size(); ++k) sides[mine[k].row] = Side::kTest;
      }
    }
  }

  Rows sessions_of(Part part) const {
    const Events& e = events(part);
    return group(e, count_users(e), [](std::size_t) { return true; });
  }

  void ask(Problem& problem, Part part) const {
    const bool hide = contains(protocol_.hide, Part::kTrain);
    if (const auto it = data_.cases.find(part); it != data_.cases.end()) {
      for (std::size_t c = 0; c < it->second.targets.size(); ++c) {
        problem.inputs.add(it->second.prefixes[c]);
        problem.targets.add(std::span(&it->second.targets[c], 1));
        problem.hidden.add(hide ? as_set(it->second.prefixes[c]) : std::vector<ItemIndex>{});
        problem.subjects.push_back(static_cast<std::int32_t>(c));
      }
      return;
    }
    const Rows sessions = sessions_of(part);
    for (std::size_t s = 0; s < sessions.size(); ++s) add_prefixes(problem, sessions[s], static_cast<std::int32_t>(s), hide);
  }

  Problem given_sessions() const {
    Problem problem = start(sessions_of(Part::kTrain));
    ask(problem, Part::kTest);
    if (has(Part::kTuneTrain)) {
      auto tuning = std::make_shared<Problem>(start(sessions_of(Part::kTuneTrain)));
      ask(*tuning, Part::kTuneValid);
      problem.train.tuning = std::move(tuning);
    } else if (protocol_.tune_on_valid) {
      auto tuning = std::make_shared<Problem>(start(problem.train.histories));
      ask(*tuning, Part::kValid);
      problem.train.tuning = std::move(tuning);
    } else {
      problem.train.tuning = inner_sessions(problem.train.histories);
    }
    return problem;
  }

  /// The last tenth of the sessions, as the file has them, asks the first nine.
  std::shared_ptr<const Problem> inner_sessions(const Rows& sessions) const {
    const std::size_t n = train_count(kTuneSessions, sessions.size());
    Rows fit;
    for (std::size_t s = 0; s < n; ++s) fit.add(sessions[s]);
    auto tuning = std::make_shared<Problem>(start(std::move(fit)));
    for (std::size_t s = n; s < sessions.size(); ++s) {
      add_prefixes(*tuning, sessions[s], static_cast<std::int32_t>(s), contains(protocol_.hide, Part::kTrain));
    }
    return tuning->targets.size() == 0 ? nullptr : tuning;
  }

  /// leave-one-out asks for each session's last item; time parts whole sessions by their last event, so that train holds nothing later.
  Problem cut_sessions() const {
    const Events& e = events(spec_.cut_part().part);
    const Rows sessions = group(e, count_users(e), [](std::size_t) { return true; });
    const bool hide = contains(protocol_.hide, Part::kTrain);
    Rows fit;
    Problem asked;
    if (protocol_.split == Split::kLeaveOneOut) {
      for (std::size_t s = 0; s < sessions.size(); ++s) {
        const auto row = sessions[s];
        const std::size_t n = row.size() < 2 ? row.size() : row.size() - 1;
        fit.add(row.first(n));
        if (n == row.size()) continue;
        asked.inputs.add(row.first(n));
        asked.targets.add(row.subspan(n, 1));
        asked.hidden.add(hide ? as_set(row.first(n)) : std::vector<ItemIndex>{});
        asked.subjects.push_back(static_cast<std::int32_t>(s));
      }
    } else {
      std::vector<double> last(sessions.size(), -std::numeric_limits<double>::infinity());
      for (std::size_t r = 0; r < e.users.size(); ++r) {
        double& at = last[static_cast<std::size_t>(e.users[r])];
        at = std::max(at, e.times[r]);
      }
      for (std::size_t s = 0; s < sessions.size(); ++s) {
        if (last[s] < *protocol_.until) {
          fit.add(sessions[s]);
        } else {
          add_prefixes(asked, sessions[s], static_cast<std::int32_t>(s), hide);
        }
      }
    }
    asked.train = start(std::move(fit)).train;
    asked.train.tuning = inner_sessions(asked.train.histories);
    return asked;
  }

  /// similar-items and text-search: a case for each query, or each (group, query).
  Problem from_truth() const {
    Problem problem = start({});
    std::vector<TruthRow> rows = data_.truth;
    std::stable_sort(rows.begin(), rows.end(), [](const TruthRow& a, const TruthRow& b) { return a.subject < b.subject; });
    std::vector<ItemIndex> targets;
    for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
      targets.clear();
      while (end < rows.size() && rows[end].subject == rows[begin].subject) targets.push_back(rows[end++].item);
      std::vector<ItemIndex> self;
      if (spec_.kind == Kind::kSimilarItems) {
        self.push_back(rows[begin].query);
        std::erase(targets, rows[begin].query);
        if (targets.empty()) continue;
      }
      problem.inputs.add(self);
      problem.hidden.add(self);
      problem.targets.add(as_set(targets));
      problem.subjects.push_back(rows[begin].subject);
    }
    if (protocol_.candidates == Candidates::kTruth) {
      for (const TruthRow& row : rows) {
        problem.candidates.push_back(row.item);
        if (spec_.kind == Kind::kSimilarItems) problem.candidates.push_back(row.query);
      }
      problem.candidates = as_set(problem.candidates);
    }
    return problem;
  }

  const Dataset& data_;
  const DatasetSpec& spec_;
  const Protocol& protocol_;
};

}  // namespace

std::uint64_t row_hash(std::uint64_t seed, std::uint64_t row) { return sha256_prefix(fmt::format("{}:{}", seed, row)); }

std::size_t train_count(double fraction, std::size_t n) {
  if (n == 0) return 0;
  // Half up in decimals: 0.7 * 5 is 3.4999999999999996 in binary and must give 4.
  const double exact = fraction * static_cast<double>(n) + 0.5;
  return std::clamp<std::size_t>(static_cast<std::size_t>(std::floor(exact + 1e-9)), 1, n);
}

std::vector<Problem> make_problems(const Dataset& data) { return Splitter(data).run(); }

}  // namespace lodestone::evaluation
