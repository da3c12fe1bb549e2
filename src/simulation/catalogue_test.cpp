#include "simulation/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "simulation/clusters.hpp"
#include "simulation/file_sink.hpp"
#include "simulation/simulator.hpp"

namespace lodestone::simulation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CatalogueTest : public testing::Test {
 protected:
  fs::path write(const std::string& name, std::string_view text) const {
    write_file_atomic(folder_.path() / name, text);
    return folder_.path() / name;
  }
  static std::string failure(const std::vector<fs::path>& files, ErrorCode code) {
    try {
      load_catalogues(files);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.message();
      return error.message();
    }
    return "";
  }
  TemporaryFolder folder_;
};

constexpr const char* kMap = "columns: {item: id, title: title, tags: tags}\n";

TEST_F(CatalogueTest, takes_dotted_paths_and_joins_several_by_a_blank) {
  write(
      "a.yaml",
      "version: 1\nname: a\nlicence: MIT\nsource: here\ntag_separator: \"|\"\n"
      "columns: {item: id, title: [name.zh, name.en], description: text, tags: [domains, words], owner: who, category: kind}\n");
  const fs::path file =
      write("a.jsonl", R"({"id": 7, "name": {"zh": "天气", "en": " Weather "}, "domains": ["x", "y;z"], "words": "p| q|x"})"
                       "\n\n"
                       R"({"id": 10, "name": {"en": "B"}, "text": "t", "who": "o", "kind": "k"})");
  const auto items = load_catalogues(std::vector<fs::path>{file});
  ASSERT_EQ(items.size(), 2U);
  // Sorted by the id's text: "10" before "7".
  EXPECT_EQ(items[0].external_id, "10");
  EXPECT_EQ(items[0].title, "B");
  EXPECT_EQ(items[0].owner, "o");
  EXPECT_EQ(items[0].category, "k");
  EXPECT_EQ(items[1].title, "天气 Weather");
  EXPECT_THAT(items[1].tags, ElementsAre("x", "y,z", "p", "q"));
  EXPECT_EQ(items[1].description, "");
}

TEST_F(CatalogueTest, the_same_id_in_two_catalogues_is_two_items) {
  write("a.yaml", kMap);
  write("b.yaml", kMap);
  const fs::path a = write("a.jsonl", R"({"id": "x", "title": "in a"})");
  const fs::path b = write("b.jsonl", R"({"id": "x", "title": "in b"})");
  const auto items = load_catalogues(std::vector<fs::path>{b, a});
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0].title, "in b");
  EXPECT_EQ(items[1].title, "in a");
}

TEST_F(CatalogueTest, the_map_lies_beside_the_catalogue) {
  EXPECT_EQ(column_map_path("demo/aws.jsonl.gz"), fs::path("demo/aws.yaml"));
  EXPECT_EQ(column_map_path("aws.jsonl"), fs::path("aws.yaml"));
  const fs::path file = write("c.jsonl", "{}");
  EXPECT_EQ(failure({file}, ErrorCode::kNotFound),
            (folder_.path() / "c.yaml").string() +
                ": the catalogue c.jsonl needs this file beside it to name its columns; write for example "
                "\"columns: {item: id, title: name, description: description, tags: tags}\"");
}

TEST_F(CatalogueTest, a_missing_catalogue_is_named) {
  EXPECT_THAT(failure({folder_.path() / "no.jsonl"}, ErrorCode::kNotFound), HasSubstr("no.jsonl: there is no such catalogue"));
}

TEST_F(CatalogueTest, a_bad_map_tells_every_error) {
  write("d.yaml", "version: 1\ncolumn: {}\ncolumns: {item: id, titel: name}\n");
  const fs::path file = write("d.jsonl", "{}");
  const std::string message = failure({file}, ErrorCode::kInvalidArgument);
  EXPECT_THAT(message, HasSubstr("column"));
  EXPECT_THAT(message, HasSubstr("titel"));
  EXPECT_THAT(message, HasSubstr("title"));
}

TEST_F(CatalogueTest, lines_that_cannot_be_items_are_named) {
  write("e.yaml", kMap);
  EXPECT_THAT(failure({write("e.jsonl", "{\"id\": 1, \"title\": \"a\"}\n{\"id\": 2}")}, ErrorCode::kContract),
              HasSubstr("e.jsonl:2: column title is empty; the map e.yaml takes it from \"title\", correct that or the line"));
  EXPECT_THAT(failure({write("e.jsonl", "{\"title\": \"a\"}")}, ErrorCode::kContract),
              HasSubstr("e.jsonl:1: column item is empty"));
  EXPECT_THAT(failure({write("e.jsonl", "{\"id\": 1, \"title\": \"a\"}\n{\"id\": 1, \"title\": \"b\"}")}, ErrorCode::kContract),
              HasSubstr("e.jsonl:2: the id \"1\" came before in this file"));
  EXPECT_THAT(failure({write("e.jsonl", "{\"id\": 1,")}, ErrorCode::kCorrupt), HasSubstr("e.jsonl:1"));
  EXPECT_THAT(failure({write("e.jsonl", "\n")}, ErrorCode::kContract), HasSubstr("e.jsonl: the catalogue has no items"));
}

std::vector<CatalogueItem> tagged(std::initializer_list<std::pair<int, std::vector<std::string>>> groups) {
  std::vector<CatalogueItem> items;
  for (const auto& [n, tags] : groups) {
    for (int i = 0; i < n; ++i) items.push_back({std::to_string(items.size()), "title", "", tags, "", ""});
  }
  return items;
}

TEST(Clusters, tags_make_clusters_and_strays_join_their_kin) {
  // Ten of each of twelve topics; one stray shares a rare tag with the rain items, one shares nothing.
  std::vector<CatalogueItem> items = tagged({{10, {"Rain", "wet"}},
                                             {10, {"rain-fall"}},
                                             {10, {"c"}},
                                             {10, {"d"}},
                                             {10, {"e"}},
                                             {10, {"f"}},
                                             {10, {"g"}},
                                             {10, {"h"}},
                                             {10, {"i"}},
                                             {10, {"j"}},
                                             {10, {"k"}},
                                             {10, {"l"}},
                                             {1, {"wet"}},
                                             {1, {}}});
  const Clustering clustering = cluster_by_tags(items);
  ASSERT_EQ(clustering.names.size(), 13U);
  EXPECT_EQ(clustering.names.back(), "other");
  std::size_t n = 0;
  for (std::size_t c = 0; c < clustering.members.size(); ++c) {
    n += clustering.members[c].size();
    for (const std::uint32_t item : clustering.members[c]) {
      if (item == 120) {
        EXPECT_THAT(clustering.members[c], testing::Contains(0U));
      }
    }
  }
  EXPECT_EQ(n, items.size());
  EXPECT_THAT(clustering.members.back(), ElementsAre(121U));
}

TEST(Clusters, a_catalogue_without_tags_is_one_cluster) {
  const Clustering clustering = cluster_by_tags(tagged({{30, {}}}));
  EXPECT_THAT(clustering.names, ElementsAre("other"));
  EXPECT_EQ(clustering.members[0].size(), 30U);
}

TEST(Simulator, puts_visits_over_the_catalogues_of_the_demo) {
  const fs::path demo = fs::path(LODESTONE_SOURCE_DIR) / "demo" / "catalog";
  const TemporaryFolder folder;
  SimulationOptions options;
  options.users = 50;
  options.events = 500;
  options.days = 5;
  options.end = *parse_time("2026-03-01T00:00:00Z");
  options.catalogues = {demo / "aws.jsonl.gz", demo / "firstdata.jsonl.gz"};
  FileSink sink(folder.path(), FileFormat::kCsv);
  EXPECT_EQ(simulate(options, sink).rows[kDataset], 1190U + 768U);
  const std::string rows = read_file(folder.path() / "dataset.csv");
  EXPECT_THAT(rows, HasSubstr("\n1,1000 Genomes,"));
  EXPECT_THAT(rows, HasSubstr("\n1191,千人基因组计划,"));
}

}  // namespace
}  // namespace lodestone::simulation
