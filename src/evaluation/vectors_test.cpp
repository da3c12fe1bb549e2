#include "evaluation/vectors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/file.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::string rows_of(const std::vector<std::vector<T>>& rows) {
  std::string out;
  for (const auto& row : rows) {
    const auto n = static_cast<std::int32_t>(row.size());
    out.append(reinterpret_cast<const char*>(&n), sizeof(n));
    out.append(reinterpret_cast<const char*>(row.data()), row.size() * sizeof(T));
  }
  return out;
}

class VectorsTest : public ::testing::Test {
 protected:
  DatasetSpec spec(const std::string& truth_distance, std::size_t k) {
    write_file_atomic(
        folder_.path() / "dataset.yaml",
        "version: 1\nname: v\nkind: vectors\nfiles:\n  base: {path: base, format: fvecs}\n  query: {path: query, format: fvecs}\n"
        "  truth: {path: truth, format: ivecs, distance: " +
            truth_distance + "}\nprotocol: {split: given, k: [" + std::to_string(k) +
            "], metrics: [recall, queries_per_second]}\n");
    return load_dataset_spec(folder_.path());
  }
  void write(const std::string& name, const std::string& bytes) { write_file_atomic(folder_.path() / name, bytes); }
  void write_good() {
    write("base", rows_of<float>({{1, 0}, {0, 1}, {2, 0}, {-1, 0}}));
    write("query", rows_of<float>({{1, 0}, {0, 3}}));
    write("truth", rows_of<std::int32_t>({{0, 2}, {1, 0}}));
  }
  std::string fault(const DatasetSpec& spec) {
    try {
      (void)load_vector_set(spec);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(VectorsTest, recall_counts_what_is_as_near_as_the_last_true_one) {
  write_good();
  const DatasetSpec one = spec("cosine", 1);
  const VectorSet set = load_vector_set(one);
  VectorMethod method;
  method.name = "by hand";
  method.fit = [] {};
  // Item 2 has the direction of item 0, the first query's true one: a hit. Item 3 is no hit for the second.
  method.search = [](std::span<const float> query, std::size_t, std::vector<std::int32_t>& out) { out = {query[0] > 0 ? 2 : 3}; };
  const MethodResult result = measure_vectors(one, set, method, {});
  ASSERT_EQ(result.metrics.size(), 2U);
  EXPECT_EQ(result.metrics[0].name, "recall@1");
  EXPECT_DOUBLE_EQ(result.metrics[0].value, 0.5);
  EXPECT_EQ(result.metrics[1].name, "queries_per_second");
  EXPECT_GT(result.metrics[1].value, 0);
  EXPECT_EQ(result.users, 2U);
}

TEST_F(VectorsTest, nearness_follows_the_distance_of_the_truth) {
  VectorSet set;
  const std::vector<float> a{1, 2};
  const std::vector<float> b{3, 4};
  set.distance = "ip";
  EXPECT_DOUBLE_EQ(nearness(set, a, b), 11);
  set.distance = "l2";
  EXPECT_DOUBLE_EQ(nearness(set, a, b), -8);
  set.distance = "cosine";
  EXPECT_NEAR(nearness(set, a, b), 11 / std::sqrt(5.0 * 25.0), 1e-12);
  EXPECT_EQ(nearness(set, std::vector<float>{0, 0}, b), 0);
}

TEST_F(VectorsTest, recall_does_not_depend_on_the_unit_of_the_vectors) {
  for (const float unit : {1.0F, 1e-4F, 1e4F}) {
    write("base", rows_of<float>({{unit, 0}, {0, unit}, {2 * unit, 0}, {-unit, 0}}));
    write("query", rows_of<float>({{unit, 0}, {unit, 0}}));
    write("truth", rows_of<std::int32_t>({{2}, {2}}));
    const DatasetSpec one = spec("ip", 1);
    const VectorSet set = load_vector_set(one);
    VectorMethod method;
    method.fit = [] {};
    method.search = [](std::span<const float>, std::size_t, std::vector<std::int32_t>& out) { out = {0}; };
    EXPECT_EQ(measure_vectors(one, set, method, {}).metrics[0].value, 0) << unit;
    method.search = [](std::span<const float>, std::size_t, std::vector<std::int32_t>& out) { out = {2}; };
    EXPECT_EQ(measure_vectors(one, set, method, {}).metrics[0].value, 1) << unit;
  }
}

TEST_F(VectorsTest, files_that_are_cut_or_odd_are_refused_with_the_row) {
  write_good();
  EXPECT_EQ(fault(spec("l2", 2)), "");
  EXPECT_THAT(fault(spec("l2", 3)), HasSubstr("protocol.k: 3 is more than the 2 true neighbours"));
  write("base", rows_of<float>({{1, 0}, {0, 1}}).substr(0, 17));
  EXPECT_THAT(fault(spec("l2", 2)), HasSubstr("base: row 1 is cut: 1 of 8 bytes"));
  write("base", rows_of<float>({{1, 0}, {0}}));
  EXPECT_THAT(fault(spec("l2", 2)), HasSubstr("base: row 1 has 1 values, the first has 2"));
  write("base", "");
  EXPECT_THAT(fault(spec("l2", 2)), HasSubstr("base: holds no vector"));
  write("base", "a text of some length");
  EXPECT_THAT(fault(spec("l2", 2)), HasSubstr("is it the format that dataset.yaml says?"));
  write("base", rows_of<float>({{1, std::numeric_limits<float>::infinity()}}));
  EXPECT_THAT(fault(spec("l2", 2)), HasSubstr("base: row 0 has the value inf at 1"));
  write("base", rows_of<float>({{1, 0, 0}}));
  EXPECT_THAT(fault(spec("l2", 2)), HasSubstr("query: its vectors have 2 values"));
  write_good();
  write("truth", rows_of<std::int32_t>({{0, 2}}));
  EXPECT_THAT(fault(spec("l2", 2)), HasSubstr("truth: has 1 rows"));
  write("truth", rows_of<std::int32_t>({{0, 2}, {4, 0}}));
  EXPECT_THAT(fault(spec("l2", 2)), HasSubstr("truth: row 1 names vector 4"));
}

}  // namespace
}  // namespace lodestone::evaluation
