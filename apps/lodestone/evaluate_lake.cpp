#include "evaluate_lake.hpp"

#include <algorithm>
#include <chrono>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "table/sql_text.hpp"

namespace lodestone::app {
namespace {

using evaluation::Metric;
using evaluation::Part;

/// Shares of the lake's time that are test, and test or tuning.
constexpr double kTestShare = 0.2;
constexpr double kHeldShare = 0.3;

/// Microseconds of the first and the last event that can be an interaction.
struct Span {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

Span read_span(table::Engine& engine, const fs::path& lake) {
  Span span;
  bool any = false;
  engine.query("SELECT min(e.at), max(e.at) FROM events e WHERE e.kind IN ('view', 'click', 'cart', 'order', 'api_order')",
               [&](const table::Chunk& chunk) {
                 for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
                   if (chunk.is_null(0, r)) continue;
                   any = true;
                   span = {chunk.int_at(0, r), chunk.int_at(1, r)};
                 }
               });
  if (!any)
    fail(ErrorCode::kContract,
         "{}: the table events holds no view, click, cart or order; check the sources and run lodestone extract", lake.string());
  if (span.first == span.last) {
    fail(ErrorCode::kContract, "{}: all interactions are of {}; there is no earlier and later to part train from test by",
         lake.string(), format_rfc3339(TimePoint(std::chrono::microseconds(span.last))));
  }
  return span;
}

void require_as_of(const TrainingQueries& queries) {
  const table::SqlFile query = table::SqlFile::load(queries.sql_folder, "labels/interactions");
  const std::vector<std::string> names = query.parameters();
  if (std::find(names.begin(), names.end(), "as_of") != names.end()) return;
  fail(ErrorCode::kInvalidArgument,
       "{}: declares no parameter as_of, so it cannot be run as of an earlier time; add -- param: as_of time, and keep events "
       "until {{{{as_of}}}}",
       query.origin());
}

evaluation::DatasetSpec spec_of(const fs::path& lake, std::int64_t valid_until, std::int64_t until) {
  evaluation::DatasetSpec spec;
  spec.file = lake;
  spec.name = "lake";
  spec.kind = evaluation::Kind::kSequences;
  spec.files.emplace_back().part = Part::kEvents;
  spec.files.emplace_back().part = Part::kItems;
  spec.protocol.split = evaluation::Split::kTime;
  spec.protocol.valid_until = static_cast<double>(valid_until) * 1e-6;
  spec.protocol.until = static_cast<double>(until) * 1e-6;
  spec.protocol.hide = {Part::kTrain, Part::kValid};
  spec.protocol.k = {10};
  spec.protocol.metrics = {Metric::kRecall, Metric::kNdcg, Metric::kHitRate, Metric::kCoverage};
  return spec;
}

/// Numbers people in the order in which they come: the pairs ascend by person, and every part of the time knows only some of them.
class People {
 public:
  explicit People(const std::vector<DatedPair>& all) {
    for (const DatedPair& pair : all) {
      if (keys_.empty() || keys_.back() != pair.person) keys_.push_back(pair.person);
    }
  }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  [[nodiscard]] std::int32_t number(const Person& person) const {
    return static_cast<std::int32_t>(std::lower_bound(keys_.begin(), keys_.end(), person) - keys_.begin());
  }

 private:
  std::vector<Person> keys_;
};

}  // namespace

evaluation::Dataset build_lake_dataset(table::Engine& engine, const TrainingQueries& queries, const fs::path& lake) {
  require_as_of(queries);
  const Span span = read_span(engine, lake);
  const auto at_share = [&](double later) {
    return span.last - static_cast<std::int64_t>(static_cast<double>(span.last - span.first) * later);
  };
  const std::int64_t valid_until = at_share(kHeldShare);
  const std::int64_t until = at_share(kTestShare);
  evaluation::Dataset data;
  data.spec = spec_of(lake, valid_until, until);
  data.texts = read_items(engine);
  data.n_items = data.texts.size();
  const auto read = [&](std::int64_t end) {
    TrainingQueries until_then = queries;
    until_then.parameters["as_of"] = format_rfc3339(TimePoint(std::chrono::microseconds(end - 1)));
    return read_dated_pairs(engine, until_then, data.texts);
  };
  const std::vector<DatedPair> all = read(span.last + 1);
  const People people(all);
  data.n_users = people.size();
  evaluation::Events& events = data.events[Part::kEvents];
  const auto add = [&](const std::vector<DatedPair>& pairs, std::int64_t begin) {
    for (const DatedPair& pair : pairs) {
      if (pair.at < begin) continue;
      events.users.push_back(people.number(pair.person));
      events.items.push_back(pair.item);
      events.times.push_back(static_cast<double>(pair.at) * 1e-6);
    }
  };
  add(read(valid_until), span.first);
  add(read(until), valid_until);
  add(all, until);
  if (events.users.empty())
    fail(ErrorCode::kContract,
         "{}: no interaction is with an item of the table items; check sql/mapping and run lodestone extract", lake.string());
  return data;
}

evaluation::Dataset load_lake_dataset(const Config& config, const fs::path& folder) {
  table::Engine engine(engine_options(config));
  const lake::Reader reader(folder);
  require_training_tables(reader);
  reader.attach(engine);
  return build_lake_dataset(engine, {config.file_path("lake.sql_folder"), query_parameters(config)}, folder);
}

}  // namespace lodestone::app
