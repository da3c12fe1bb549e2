#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/rng.hpp"
#include "evaluate_methods.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A data set of our own: `n_groups` tastes of ten items each, users who like one of them, and titles that name the taste.
class EvaluateVerb : public ::testing::Test {
 protected:
  void SetUp() override { set_log_level(LogLevel::kOff); }
  void TearDown() override { set_log_level(LogLevel::kInfo); }

  void write(const std::string& name, const std::string& text) { write_file_atomic(folder_.path() / name, text); }

  void write_tastes(std::size_t n_users, std::size_t n_groups) {
    Rng rng(11);
    std::string events = "user,item,at\n";
    std::string items = "item,title\n";
    for (std::size_t u = 0; u < n_users; ++u) {
      const std::size_t group = rng.below(n_groups);
      for (int k = 0; k < 6; ++k) {
        const bool stray = rng.chance(0.1);
        const std::size_t item = (stray ? rng.below(n_groups) : group) * 10 + rng.below(10);
        events += fmt::format("{},{},{}\n", u, item, u * 10 + static_cast<std::size_t>(k));
      }
    }
    for (std::size_t i = 0; i < n_groups * 10; ++i) items += fmt::format("{},taste{} number{}\n", i, i / 10, i);
    write("events.csv", events);
    write("items.csv", items);
  }

  void write_spec(std::string_view body) { write("dataset.yaml", fmt::format("version: 1\nname: tastes\nkind: {}\n", body)); }

  std::string run(const std::string& method, bool json, int threads = 0) {
    Globals globals;
    globals.json = json;
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(run_evaluate(globals, {folder_.path(), method, threads}), 0);
    return ::testing::internal::GetCapturedStdout();
  }

  json::Array results(const std::string& method, int threads = 0) {
    const json::Value document = json::parse(run(method, true, threads), "stdout");
    EXPECT_EQ(*document.find("set")->as_string(), "tastes");
    return *document.find("results")->as_array();
  }

  std::string fault(const std::string& method) {
    try {
      (void)run_evaluate({}, {folder_.path(), method, 1});
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.code()), 2);
      return error.message();
    }
    return "";
  }

  static double metric(const json::Value& row, std::string_view name) {
    return row.find("metrics")->find(name)->as_number().value_or(-1);
  }

  TemporaryFolder folder_;
};

constexpr std::string_view kInteractions =
    "interactions\nfiles:\n  events: {path: events.csv, format: table, columns: {user: user, item: item, at: at}}\n"
    "  items: {path: items.csv, format: table, columns: {item: item, title: title}}\n"
    "protocol: {split: per-user, fraction: 0.7, k: [5], metrics: [recall, ndcg, coverage, diversity]}";

TEST_F(EvaluateVerb, every_method_gives_a_row_with_all_that_scripts_read) {
  write_tastes(300, 6);
  write_spec(kInteractions);
  const json::Array rows = results("all");
  std::vector<std::string> names;
  for (const json::Value& row : rows) {
    names.push_back(*row.find("method")->as_string());
    for (const char* key : {"settings", "metrics", "intervals", "fit_seconds", "score_seconds", "peak_mib", "users"})
      EXPECT_NE(row.find(key), nullptr) << key;
    EXPECT_EQ(row.find("intervals")->find("ndcg@5")->as_array()->size(), 2U);
    EXPECT_EQ(row.find("intervals")->find("coverage@5"), nullptr);
    // Tastes are plain to see in the events and in the titles; popularity sees none of it.
    EXPECT_GT(metric(row, "recall@5"), names.back() == "pop" ? 0.01 : 0.25) << names.back();
  }
  EXPECT_THAT(names, ElementsAre("pop", "itemknn-cosine", "itemknn-tfidf", "itemknn-bm25", "ease", "slim", "als", "userknn",
                                 "content", "lsa", "fused"));
  EXPECT_LT(metric(rows[0], "ndcg@5") * 2, metric(rows[4], "ndcg@5"));
}

TEST_F(EvaluateVerb, auto_prints_one_row_that_says_what_was_chosen) {
  write_tastes(300, 6);
  write_spec(kInteractions);
  const json::Array rows = results("auto");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(*rows[0].find("method")->as_string(), "auto");
  EXPECT_THAT(*rows[0].find("settings")->as_string(),
              ::testing::MatchesRegex("([0-9.]+ )?(ease|als|itemknn-[a-z0-9]+|userknn|content|pop) \\(.*\\)"));
  const std::string table = run("auto", false);
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2);
  EXPECT_THAT(table, HasSubstr("tastes  auto"));
  EXPECT_THAT(table, HasSubstr("ndcg@5"));
}

TEST_F(EvaluateVerb, metrics_do_not_depend_on_the_threads) {
  write_tastes(200, 5);
  write_spec(kInteractions);
  const json::Array one = results("auto,fused,pop", 1);
  const json::Array three = results("auto,fused,pop", 3);
  for (std::size_t r = 0; r < one.size(); ++r) {
    EXPECT_EQ(*one[r].find("settings")->as_string(), *three[r].find("settings")->as_string());
    for (const json::Member& m : *one[r].find("metrics")->as_object())
      EXPECT_EQ(m.value.as_number(), three[r].find("metrics")->find(m.key)->as_number()) << m.key;
  }
}

TEST_F(EvaluateVerb, a_user_without_a_history_gets_the_popular_items_from_auto) {
  write("train", "1 1 2\n2 1 2\n3 1 3\n4 1 3\n");
  write("test", "1 3\n9 1\n");
  write_spec(
      "interactions\nfiles: {train: {path: train, format: adjacency}, test: {path: test, format: adjacency}}\nprotocol: {split: "
      "given, k: [1], metrics: [recall]}");
  EXPECT_DOUBLE_EQ(metric(results("auto")[0], "recall@1"), 1) << "user 9 is new, and item 1 is everybody's";
}

TEST_F(EvaluateVerb, sessions_are_asked_after_each_item) {
  std::string train;
  std::string test;
  for (int s = 0; s < 60; ++s) train += s % 2 == 0 ? "1 2 3 4\n" : "5 6 7 8\n";
  write("train", train);
  write("test", "1 2 3\n7 8\n");
  write_spec(
      "sessions\nfiles: {train: {path: train, format: session-items}, test: {path: test, format: session-items}}\n"
      "protocol: {split: given, hide: [], k: [3], metrics: [hit_rate]}");
  const json::Array rows = results("auto,itemknn-cosine,rules,sessionknn");
  EXPECT_EQ(*rows[0].find("users")->as_int(), 3);
  for (const json::Value& row : rows) EXPECT_DOUBLE_EQ(metric(row, "hit_rate@3"), 1) << *row.find("method")->as_string();
}

TEST_F(EvaluateVerb, rules_know_which_way_a_history_goes) {
  std::string events = "user,item,at\n";
  Rng rng(3);
  for (int u = 0; u < 400; ++u) {  // item n is followed by item n + 1 on a ring of 40
    const std::uint64_t first = rng.below(40);
    for (std::uint64_t k = 0; k < 6; ++k) events += fmt::format("{},{},{}\n", u, (first + k) % 40, k);
  }
  write("events.csv", events);
  write_spec(
      "sequences\nfiles:\n  events: {path: events.csv, format: table, columns: {user: user, item: item, at: at}}\n"
      "protocol: {split: leave-one-out, hide: [], k: [1], metrics: [hit_rate]}");
  const json::Array rows = results("rules,itemknn-cosine,auto");
  EXPECT_GT(metric(rows[0], "hit_rate@1"), 0.95);
  EXPECT_LT(metric(rows[1], "hit_rate@1"), 0.9) << "the other direction is as near";
  EXPECT_GT(metric(rows[2], "hit_rate@1"), 0.95);
}

TEST_F(EvaluateVerb, fusion_takes_in_what_another_method_alone_knows) {
  write_tastes(300, 6);
  write_spec(kInteractions);
  const json::Array rows = results("ease,content,itemknn-tfidf,userknn,pop,fused");
  double best = 0;
  for (std::size_t r = 0; r + 1 < rows.size(); ++r) best = std::max(best, metric(rows[r], "ndcg@5"));
  EXPECT_GT(metric(rows.back(), "ndcg@5"), best * 0.9);
  EXPECT_THAT(*rows.back().find("settings")->as_string(), HasSubstr(" + "));
}

TEST_F(EvaluateVerb, methods_of_order_are_refused_where_there_is_none) {
  write_tastes(20, 2);
  write_spec(kInteractions);
  EXPECT_THAT(fault("rules"), HasSubstr("method rules looks at the order of histories, and kind interactions has none"));
  write("train", "1 2 3\n");
  write_spec(
      "sessions\nfiles: {train: {path: train, format: session-items}, test: {path: train, format: session-items}}\n"
      "protocol: {split: given, hide: [], k: [3], metrics: [hit_rate]}");
  EXPECT_THAT(fault("userknn"), HasSubstr("there are only sessions; sessionknn compares those"));
}

TEST_F(EvaluateVerb, similar_items_and_text_search_work_from_texts) {
  write_tastes(1, 6);
  write("truth.csv", "query,item\n3,4\n3,5\n55,51\n");
  write_spec(
      "similar-items\nfiles: {items: {path: items.csv, format: table, columns: {item: item, title: title}}, truth: {path: "
      "truth.csv, format: table}}\n"
      "protocol: {split: given, k: [9], metrics: [recall]}");
  EXPECT_DOUBLE_EQ(metric(results("auto")[0], "recall@9"), 1);
  write("truth.jsonl",
        "{\"query\": \"Taste3 number37\", \"relevant\": [37]}\n{\"query\": \"nothing of it\", \"relevant\": [1]}\n");
  write_spec(
      "text-search\nfiles: {items: {path: items.csv, format: table, columns: {item: item, title: title}}, truth: {path: "
      "truth.jsonl, format: jsonl}}\n"
      "protocol: {split: given, k: [3], metrics: [mrr]}");
  EXPECT_DOUBLE_EQ(metric(results("auto")[0], "mrr@3"), 0.5);
  EXPECT_THAT(
      fault("pop"),
      HasSubstr(
          "dataset.yaml: method pop does not answer kind text-search; this data can be measured with content, auto or all"));
}

TEST_F(EvaluateVerb, a_method_that_cannot_be_measured_is_refused_with_the_choice) {
  write_tastes(20, 2);
  write_spec(kInteractions);
  EXPECT_EQ(fault("itemknn-tdidf"),
            "there is no method \"itemknn-tdidf\"; did you mean \"itemknn-tfidf\"? This data can be measured with pop, "
            "itemknn-cosine, itemknn-tfidf, "
            "itemknn-bm25, ease, slim, als, userknn, content, lsa, fused, auto or all");
  EXPECT_THAT(fault("transformer"), HasSubstr("there is no method \"transformer\". This data can be measured with pop, "));
  EXPECT_THAT(fault("auto,"), HasSubstr("there is no method \"\". "));
  write("train", "1 1 2\n");
  write_spec(
      "interactions\nfiles: {train: {path: train, format: adjacency}, test: {path: train, format: adjacency}}\nprotocol: {split: "
      "given, metrics: [recall]}");
  EXPECT_THAT(
      fault("content"),
      HasSubstr(
          "dataset.yaml: method content compares texts, and there is no files.items; this data can be measured with pop, "));
}

TEST_F(EvaluateVerb, the_linear_model_is_refused_beyond_its_bounds) {
  evaluation::DatasetSpec spec;
  spec.file = "dataset.yaml";
  EXPECT_THAT(methods_of(spec, 5000, 6001), ::testing::Not(Contains("ease")));
  EXPECT_THAT(methods_of(spec, 5000, 6000), Contains("ease"));
  EXPECT_THAT(methods_of(spec, 3000, 100'000), Contains("ease"));
  try {
    (void)read_methods("ease", spec, 5000, 6001);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(
        error.message(),
        HasSubstr("dataset.yaml: method ease takes up to 6000 items, or up to 3000 users; this data can be measured with pop, "));
  }
}

TEST_F(EvaluateVerb, vectors_are_measured_by_scan_and_by_graph) {
  const auto row = [](const std::vector<float>& values) {
    const auto n = static_cast<std::int32_t>(values.size());
    return std::string(reinterpret_cast<const char*>(&n), 4) +
           std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  };
  std::string base;
  for (int i = 0; i < 40; ++i) base += row({static_cast<float>(i), 1});
  write("base", base);
  write("query", row({7.2F, 1}) + row({20, 1}));
  const std::int32_t truth[] = {2, 7, 8, 2, 20, 19};
  write("truth", std::string(reinterpret_cast<const char*>(truth), sizeof(truth)));
  write_spec(
      "vectors\nfiles: {base: {path: base, format: fvecs}, query: {path: query, format: fvecs}, truth: {path: truth, format: "
      "ivecs, distance: l2}}\nprotocol: {split: given, k: [2], metrics: [recall, queries_per_second]}");
  const json::Array rows = results("exact,hnsw,auto");
  ASSERT_EQ(rows.size(), 3U);
  for (const json::Value& one : rows) {
    EXPECT_DOUBLE_EQ(metric(one, "recall@2"), 1) << *one.find("method")->as_string();
    EXPECT_GT(metric(one, "queries_per_second"), 0);
  }
  EXPECT_THAT(fault("hnws"), HasSubstr("kind vectors has no method \"hnws\"; did you mean \"hnsw\"?"));
  for (const std::string name : {"faiss-hnsw", "faiss-ivf"}) {
    if (LODESTONE_WITH_FAISS) {
      EXPECT_GE(metric(results(name).at(0), "recall@2"), 0.5) << name;
    } else {
      EXPECT_THAT(fault(name), HasSubstr("needs Faiss, which this program was built without; install Debian's libfaiss-dev"));
    }
  }
}

}  // namespace
}  // namespace lodestone::app
