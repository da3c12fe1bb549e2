// lodestone indexes plan | apply | verify | drop: the indexes of the source databases that reading changes needs.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>

#include "base/error.hpp"
#include "base/log.hpp"
#include "indexes_report.hpp"
#include "lake/contract.hpp"
#include "lake_access.hpp"
#include "sources/mysql/index_change.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using sources::IndexState;
using sources::Locking;

/// One database, and what we follow in it.
struct Followed {
  std::string source;
  sources::MysqlSource* database = nullptr;
  std::vector<sources::FollowedTable> tables;
  std::vector<sources::WishedIndex> wishes;
};

/// The indexes that operators of the original system asked for (its list of production tasks, item 01), by the tables of the
/// contracts. Those on a cursor's first column are met by ours; the rest is listed as skipped.
std::vector<sources::WishedIndex> operators_wishes(const std::string& source) {
  if (source == "business") {
    return {{"user", "idx_update_time", {"update_time"}},
            {"dataset", "idx_update_time", {"update_time"}},
            {"order_tab", "idx_create_time", {"create_time"}},
            {"api_order", "idx_create_time", {"create_time"}},
            {"dataset_image", "idx_update_time", {"update_time"}}};
  }
  return {{"log_visit", "idx_visit_time", {"visit_last_action_time"}},
          {"log_link_visit_action", "idx_server_time", {"server_time"}},
          {"log_conversion", "idx_server_time", {"server_time"}},
          {"log_visit", "idx_user_time", {"idvisitor", "visit_last_action_time"}}};
}

Followed follow(const std::string& name, sources::MysqlSource& database, const lake::Contracts& contracts) {
  Followed out{name, &database, {}, {}};
  const std::vector<std::string> available = database.tables();
  std::vector<std::string> missing;
  std::map<std::string, std::string> names;
  for (const lake::Contract* contract : contracts.of(name)) {
    const std::string found = contract->find_name(available);
    if (found.empty()) {
      if (!contract->is_optional) missing.push_back(contract->table);
      continue;
    }
    names[contract->table] = database.name_of(found);
    out.tables.push_back({names[contract->table], contract->change, contract->primary_key});
  }
  if (!missing.empty()) {
    fail(ErrorCode::kNotFound, "{} {} has no table {}; it has {}. Add the table, or name it in contracts/{}.yaml", name,
         database.location(), fmt::join(missing, ", "),
         available.empty() ? "none" : fmt::format("{}", fmt::join(available, ", ")), missing.front());
  }
  for (sources::WishedIndex& wish : operators_wishes(name)) {
    const auto table = names.find(wish.table);
    if (table != names.end()) out.wishes.push_back({table->second, wish.name, wish.columns});
  }
  return out;
}

void write_report(const Globals& globals, const IndexArguments& arguments, const IndexReport& report) {
  if (!arguments.html.empty()) write_file_atomic(arguments.html, format_index_report_html(report));
  if (globals.json) {
    print_json(format_index_report_json(report));
  } else {
    print_index_report(report);
  }
}

/// Does `work` for each source that is a database, and prints the report also when it fails in the middle: what was done stays
/// done.
IndexReport for_each_database(const Globals& globals, const IndexArguments& arguments, const std::string& verb,
                              const std::function<void(Followed&, IndexReport&)>& work) {
  const Config config = load_config(globals);
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  IndexReport report{verb};
  SourcePools pools;
  bool any = false;
  try {
    for (NamedSource& named : open_sources(config, pools)) {
      auto* database = dynamic_cast<sources::MysqlSource*>(named.source.get());
      if (database == nullptr) continue;
      any = true;
      Followed followed = follow(named.name, *database, contracts);
      work(followed, report);
    }
  } catch (const Error&) {
    if (!report.rows.empty()) write_report(globals, arguments, report);
    throw;
  }
  if (!any) {
    fail(ErrorCode::kInvalidArgument,
         "source.business is \"{}\", a folder of files, which has no indexes; set it to mysql://USER@HOST:PORT/DB",
         config.text("source.business"));
  }
  return report;
}

void refuse_impossible(const IndexReport& report) {
  std::vector<std::string> sentences;
  for (const IndexRow& row : report.rows) {
    if (row.index.state == IndexState::kImpossible)
      sentences.push_back(
          fmt::format("{}.{} cannot have index {}: {}", row.source, row.index.table, row.index.name, row.index.reason));
  }
  if (!sentences.empty()) fail(ErrorCode::kContract, "{}", fmt::join(sentences, "; "));
}

std::string outcome_of(sources::ChangeResult result, const char* online, const char* there) {
  switch (result) {
    case sources::ChangeResult::kOnline: return std::string(online) + " online";
    case sources::ChangeResult::kLocking: return std::string(online) + ", writes waited";
    case sources::ChangeResult::kThere: return there;
  }
  return "";
}

bool goes_through(const sources::QueryPlan& plan, const sources::PlannedIndex& index) {
  return plan.key == index.name && !plan.sorts;
}

void apply_one(sources::Connection& connection, const IndexArguments& arguments, IndexRow& row) {
  const sources::PlannedIndex& index = row.index;
  const std::uint64_t n_rows = sources::rows_to_read(index.facts);
  std::optional<sources::CursorPosition> position;
  if (!arguments.no_measure) {
    log_info("indexes", "{}: measuring table {} without the index", row.source, index.table);
    position = sources::find_position(connection, index.facts, *index.cursor, n_rows);
    if (position) row.before = sources::measure_reading(connection, *index.cursor, *position, n_rows);
    const Result<sources::WriteCost> writes = sources::measure_writes(connection, index);
    if (writes) {
      row.writes = writes.value();
    } else {
      row.writes_reason = writes.reason();
    }
  }
  log_info("indexes", "{}: making index {} of table {}", row.source, index.name, index.table);
  const auto result = sources::create_index(connection, index, arguments.allow_lock ? Locking::kAllow : Locking::kRefuse);
  row.outcome = outcome_of(result, "made", "was there");
  row.index.state = IndexState::kOurs;
  if (!position) return;
  row.after = sources::measure_reading(connection, *index.cursor, *position, n_rows);
  row.is_used = goes_through(row.after->plan, index);
}

void add_use(sources::Connection& connection, const std::string& source, IndexReport& report) {
  const auto use = sources::read_index_use(connection);
  if (!use) {
    report.notes.push_back(source + ": " + use.reason());
    return;
  }
  for (IndexRow& row : report.rows) {
    const auto& all = use.value();
    const auto one = std::find_if(all.begin(), all.end(), [&](const sources::IndexUse& entry) {
      return entry.table == row.index.table && entry.index == row.index.name;
    });
    if (row.source == source && one != all.end()) row.use = *one;
  }
}

void verify_database(Followed& followed, IndexReport& report) {
  sources::Connection& connection = followed.database->connection();
  std::vector<IndexRow> rows;
  for (sources::PlannedIndex& index : sources::plan_indexes(connection, followed.tables, {})) {
    if (index.state == IndexState::kSkipped) continue;
    IndexRow row{followed.source, std::move(index)};
    if (row.index.cursor && row.index.state != IndexState::kMissing) {
      // The newest position is where an extraction begins.
      const auto position = sources::find_position(connection, row.index.facts, *row.index.cursor, 0);
      if (position) {
        row.after = sources::ReadingCost{
            sources::explain(connection, sources::cursor_query(*row.index.cursor, *position, 1000),
                             {fmt::format("explain the reading of table {}", row.index.table), row.index.table, 0}),
            0};
        row.is_used = goes_through(row.after->plan, row.index);
      } else {
        report.notes.push_back(fmt::format("{}.{} is empty, so there is nothing to prove", followed.source, row.index.table));
      }
    }
    rows.push_back(std::move(row));
  }
  for (sources::PlannedIndex& index : sources::find_our_indexes(connection, followed.tables).ours) {
    const bool is_planned = std::any_of(rows.begin(), rows.end(), [&](const IndexRow& row) {
      return row.index.table == index.table && row.index.name == index.name;
    });
    if (is_planned) continue;
    index.reason = "changes of this table are read in another order now; run lodestone indexes drop and apply";
    IndexRow row{followed.source, std::move(index)};
    row.is_used = false;
    rows.push_back(std::move(row));
  }
  for (IndexRow& row : rows) report.rows.push_back(std::move(row));
  add_use(connection, followed.source, report);
}

}  // namespace

int run_indexes_plan(const Globals& globals, const IndexArguments& arguments) {
  const IndexReport report = for_each_database(globals, arguments, "plan", [](Followed& followed, IndexReport& out) {
    for (sources::PlannedIndex& index : sources::plan_indexes(followed.database->connection(), followed.tables, followed.wishes))
      out.rows.push_back({followed.source, std::move(index)});
  });
  write_report(globals, arguments, report);
  return 0;
}

int run_indexes_apply(const Globals& globals, const IndexArguments& arguments) {
  IndexReport report = for_each_database(globals, arguments, "apply", [&](Followed& followed, IndexReport& out) {
    sources::Connection& connection = followed.database->connection();
    sources::limit_lock_waits(connection);
    for (sources::PlannedIndex& index : sources::plan_indexes(connection, followed.tables, {})) {
      if (index.state == IndexState::kSkipped) continue;
      IndexRow row{followed.source, std::move(index)};
      if (row.index.state == IndexState::kMissing) {
        if (globals.dry_run) {
          row.outcome = "would run " + sources::create_statement(row.index);
        } else {
          apply_one(connection, arguments, row);
        }
      }
      out.rows.push_back(std::move(row));
      if (!out.rows.back().writes_reason.empty())
        out.notes.push_back(
            fmt::format("{}.{}: write cost {}", followed.source, out.rows.back().index.table, out.rows.back().writes_reason));
    }
  });
  if (std::any_of(report.rows.begin(), report.rows.end(), [](const IndexRow& row) { return row.after.has_value(); })) {
    report.notes.emplace_back(
        "Without > with the index. Reading: the newest 1000 changes (of a small table a tenth), median of three. Write: one row "
        "inserted or updated by its key, mean of up to 1000 in the median of five rounds, on copies of at most 20000 rows.");
  }
  write_report(globals, arguments, report);
  refuse_impossible(report);
  return 0;
}

int run_indexes_verify(const Globals& globals, const IndexArguments& arguments) {
  IndexReport report = for_each_database(globals, arguments, "verify", verify_database);
  std::vector<std::string> unused;
  std::size_t n_missing = 0;
  for (const IndexRow& row : report.rows) {
    n_missing += row.index.state == IndexState::kMissing ? 1U : 0U;
    if (row.index.state == IndexState::kOurs && row.is_used == false)
      unused.push_back(fmt::format("{}.{}.{}", row.source, row.index.table, row.index.name));
  }
  if (n_missing > 0) report.notes.push_back(fmt::format("{} are missing; run lodestone indexes apply", n_missing));
  write_report(globals, arguments, report);
  if (unused.empty()) return 0;
  fail(ErrorCode::kContract,
       "the server does not use {} for reading changes; run ANALYZE TABLE and verify again, or lodestone indexes drop",
       fmt::join(unused, ", "));
}

int run_indexes_drop(const Globals& globals, const IndexArguments& arguments) {
  IndexReport report = for_each_database(globals, arguments, "drop", [&](Followed& followed, IndexReport& out) {
    sources::Connection& connection = followed.database->connection();
    sources::limit_lock_waits(connection);
    sources::OurIndexes found = sources::find_our_indexes(connection, followed.tables);
    for (sources::PlannedIndex& index : found.ours) {
      IndexRow row{followed.source, std::move(index)};
      if (globals.dry_run) {
        row.outcome = "would run " + sources::drop_statement(row.index);
      } else {
        const auto result = sources::drop_index(connection, row.index, arguments.allow_lock ? Locking::kAllow : Locking::kRefuse);
        row.outcome = outcome_of(result, "dropped", "was gone");
      }
      out.rows.push_back(std::move(row));
    }
    for (const std::string& other : found.others)
      out.notes.push_back(fmt::format("{}.{} stays: it bears our prefix, but its columns are not ours", followed.source, other));
  });
  if (report.rows.empty()) report.notes.emplace_back("there is no index of ours");
  write_report(globals, arguments, report);
  return 0;
}

}  // namespace lodestone::app
