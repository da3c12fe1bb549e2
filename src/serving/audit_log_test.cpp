// The audit log, by itself and behind a server.
#include "serving/audit_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/metrics_lint.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<json::Value> entries(const fs::path& file) {
  std::vector<json::Value> out;
  LineReader lines(file);
  for (std::string line; lines.next(line);) out.push_back(json::parse(line, file.string()));
  return out;
}

TEST(AuditLogTest, writes_a_line_an_entry_that_only_its_owner_reads) {
  TemporaryFolder folder;
  metrics::Registry registry;
  const FixedClock clock(*parse_time("2026-11-24T09:30:00Z"));
  AuditLog log({.file = folder.path() / "a/audit.jsonl"}, registry, clock);
  AuditEntry entry{.action = "reload", .actor = "operator", .peer = "127.0.0.1", .outcome = "done"};
  entry.arguments.set("source", json::Value("b-1"));
  log.write(entry);
  log.write({.action = "rollback", .actor = "operator", .outcome = "refused", .detail = "no \"older\" one"});
  EXPECT_EQ(
      read_file(folder.path() / "a/audit.jsonl"),
      R"({"at":"2026-11-24T09:30:00Z","action":"reload","actor":"operator","peer":"127.0.0.1","arguments":{"source":"b-1"},"outcome":"done","detail":null})"
      "\n"
      R"({"at":"2026-11-24T09:30:00Z","action":"rollback","actor":"operator","peer":null,"arguments":{},"outcome":"refused","detail":"no \"older\" one"})"
      "\n");
  EXPECT_EQ(fs::status(folder.path() / "a/audit.jsonl").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(test::parse_metrics(registry.expose())["audit_entries_total{result=\"written\"}"], 2);
}

TEST(AuditLogTest, a_full_file_is_put_aside_and_the_oldest_goes) {
  TemporaryFolder folder;
  metrics::Registry registry;
  const FixedClock clock(*parse_time("2026-11-24T09:30:00Z"));
  const fs::path file = folder.path() / "audit.jsonl";
  AuditLog log({.file = file, .file_bytes = 250, .n_files = 3}, registry, clock);
  for (int n = 0; n < 9; ++n) log.write({.action = fmt::format("action {}", n), .actor = "operator", .outcome = "done"});
  EXPECT_TRUE(fs::exists(file.string() + ".1"));
  EXPECT_TRUE(fs::exists(file.string() + ".2"));
  EXPECT_FALSE(fs::exists(file.string() + ".3"));
  EXPECT_EQ(*entries(file).back().find("action")->as_string(), "action 8");
  for (const char* end : {"", ".1", ".2"}) EXPECT_LE(fs::file_size(file.string() + end), 250U) << end;
}

TEST(AuditLogTest, two_servers_share_a_file) {
  TemporaryFolder folder;
  const FixedClock clock(*parse_time("2026-11-24T09:30:00Z"));
  const fs::path file = folder.path() / "audit.jsonl";
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      metrics::Registry registry;
      // A new file for every second entry, so that one server often puts a file aside while the next begins another.
      AuditLog log({.file = file, .file_bytes = 250, .n_files = 100}, registry, clock);
      for (int n = 0; n < 15; ++n) log.write({.action = fmt::format("{} {}", t, n), .actor = "operator", .outcome = "done"});
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t n = 0;
  for (const auto& one : fs::directory_iterator(folder.path())) n += entries(one.path()).size();
  EXPECT_EQ(n, 120U);
}

TEST(AuditLogTest, one_that_cannot_be_written_stops_nothing) {
  TemporaryFolder folder;
  metrics::Registry registry;
  const FixedClock clock(*parse_time("2026-11-24T09:30:00Z"));
  write_file_atomic(folder.path() / "file", "x");
  AuditLog log({.file = folder.path() / "file/audit.jsonl"}, registry, clock);
  EXPECT_NO_THROW(log.write({.action = "reload", .actor = "operator", .outcome = "done"}));
  EXPECT_EQ(test::parse_metrics(registry.expose())["audit_entries_total{result=\"failed\"}"], 1);
}

TEST(AuditOverHttp, notes_who_changed_what_and_what_came_of_it) {
  test::ServingSite site;
  const std::string first = site.pack_sample(1);
  const std::string second = site.pack_sample(2);
  site.publish(first);
  site.options.audit.file = site.folder.path() / "audit.jsonl";
  site.options.rules_file = site.folder.path() / "rules.yaml";
  site.options.access.keys_file = site.folder.path() / "keys.yaml";
  site.start();
  EXPECT_EQ(site.admin("POST", "/models/reload", "{\"source\":\"" + second + "\",\"run_id\":\"r7\",\"rollout\":0.25}").status,
            200);
  EXPECT_EQ(site.admin("POST", "/models/rollback").status, 200);
  EXPECT_EQ(site.admin("POST", "/models/rollback").status, 404);
  EXPECT_EQ(site.admin("POST", "/models/reload", "{\"sauce\":1}").status, 422);
  EXPECT_EQ(site.admin("GET", "/models").status, 200);  // changes nothing, so there is nothing to note
  EXPECT_EQ(test::HttpConnection(site.server->admin_port()).request("POST", "/models/rollback").status, 401);
  write_file_atomic(site.options.rules_file, "hide: ['item_id=10']\n");
  write_file_atomic(site.options.access.keys_file, "keys: [{name: x}]\n");
  while (site.get("/health").body.find(R"("keys":{"status":"refused")") == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::vector<json::Value> all;
  while (all.size() < 6) {
    all = entries(site.options.audit.file);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::vector<std::string> told;
  for (const json::Value& one : all) {
    told.push_back(*one.find("action")->as_string() + " by " + *one.find("actor")->as_string() + ": " +
                   *one.find("outcome")->as_string());
  }
  EXPECT_THAT(told, ::testing::UnorderedElementsAre("reload by operator: done", "rollback by operator: done",
                                                    "rollback by operator: refused", "reload by operator: refused",
                                                    "rules file by file: done", "keys file by file: refused"));
  EXPECT_EQ(json::format(*all[0].find("arguments")),
            "{\"source\":\"" + second + "\",\"mode\":\"primary\",\"rollout\":0.25,\"run_id\":\"r7\"}");
  EXPECT_EQ(*all[0].find("peer")->as_string(), "127.0.0.1");
  EXPECT_THAT(read_file(site.options.audit.file), Not(HasSubstr(test::ServingSite::kToken)));
}

}  // namespace
}  // namespace lodestone::serving
