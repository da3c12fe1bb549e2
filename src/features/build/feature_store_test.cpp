#include "features/build/feature_store.hpp"

#include <cstring>

#include "features/build/feature_fixture.hpp"

namespace lodestone::features {
namespace {

using ::testing::HasSubstr;

class FeatureStoreTest : public FeatureFixture {
 protected:
  FeatureStoreTest() {
    sql("INSERT INTO items (item_id, price, category, created_at) SELECT i, i, 'c' || i % 3, TIMESTAMP '2026-01-01' FROM "
        "range(1, 8) t(i)");
    sql("INSERT INTO users (user_id, company) SELECT i, 'company ' || i FROM range(1, 6) t(i)");
    for (int i = 0; i < 40; ++i) event(i % 3 == 0 ? "order" : "view", std::to_string(1 + i % 5), 1 + i % 7, i * 5.0, "2.5");
    build();
  }
  std::string fault(const fs::path& path) {
    try {
      FeatureStore{path};
    } catch (const Error& error) {
      return error.message();
    }
    return "none";
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "features/features.sqlite";
};

TEST_F(FeatureStoreTest, gives_each_row_back_bit_for_bit) {
  write_feature_store(set_, path_);
  const FeatureStore store(path_);
  EXPECT_EQ(store.as_of(), set_.as_of);
  EXPECT_EQ(store.vocabularies(), set_.vocabularies);
  for (const FeatureTable* table : {&set_.users, &set_.items}) {
    for (std::size_t r = 0; r < table->ids.size(); ++r) {
      const auto row = store.find(table->group, table->ids[r]);
      ASSERT_TRUE(row.has_value());
      EXPECT_EQ(std::memcmp(row->data(), table->row(r).data(), table->row(r).size_bytes()), 0) << table->ids[r];
    }
    EXPECT_EQ(store.find(table->group, 999), std::nullopt);
    const FeatureStore::Ids ids = store.ids(table->group);
    EXPECT_EQ(ids.n, static_cast<std::int64_t>(table->ids.size()));
    EXPECT_EQ(ids.first, table->ids.front());
    EXPECT_EQ(ids.last, table->ids.back());
  }
}

TEST_F(FeatureStoreTest, a_reader_keeps_the_store_it_opened) {
  write_feature_store(set_, path_);
  const FeatureStore before(path_);
  const float views = user(1, "user_view_count");
  event("view", "1", 2, 1);
  build();
  write_feature_store(set_, path_);
  const std::size_t place = find_feature(Group::kUser, "user_view_count").value();
  EXPECT_EQ(before.find(Group::kUser, 1).value()[place], views);
  EXPECT_EQ(FeatureStore(path_).find(Group::kUser, 1).value()[place], views + 1);
  EXPECT_FALSE(fs::exists(path_.string() + ".tmp"));
}

TEST_F(FeatureStoreTest, a_failed_write_leaves_the_old_store) {
  write_feature_store(set_, path_);
  const std::string before = read_file(path_);
  make_folders(path_.string() + ".tmp/in_the_way");
  EXPECT_THROW(write_feature_store(set_, path_), Error);
  EXPECT_EQ(read_file(path_), before);
}

TEST_F(FeatureStoreTest, a_file_that_is_none_is_refused_with_the_way_out) {
  EXPECT_THAT(fault(path_), HasSubstr("there is no "));
  make_folders(path_.parent_path());
  const auto change = [&](const char* statement) {
    table::SqliteFile file = table::SqliteFile::create(path_);
    file.execute("CREATE TABLE about (name TEXT, value TEXT)");
    file.execute(statement);
  };
  change("INSERT INTO about VALUES ('format', 'photos')");
  EXPECT_THAT(fault(path_), HasSubstr("is no store of features; make it again with lodestone features build"));
  change("INSERT INTO about VALUES ('format', 'lodestone features 1'), ('schema', 'abc')");
  EXPECT_THAT(fault(path_), HasSubstr("was written by another feature schema"));
}

}  // namespace
}  // namespace lodestone::features
