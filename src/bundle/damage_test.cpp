// Whatever happens to the bytes of a bundle, opening it refuses with a sentence. tests/integration/damaged_release_test.cpp has the case
// that the hashes fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/error.hpp"
#include "bundle/bundle.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::bundle {
namespace {

const OpenOptions kOneThread{1};

/// In place: thousands of files cut to nothing first would each be flushed to the disk by the file system.
void write(const fs::path& path, std::string_view bytes) {
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << bytes;
  if (fs::file_size(path) != bytes.size()) fs::resize_file(path, bytes.size());
}

class DamageTest : public ::testing::Test {
 protected:
  DamageTest() {
    test::SampleOptions options;
    options.n_items = 5;
    options.n_users = 2;
    options.n_neighbours = 3;
    options.n_categories = 2;
    options.history_max = 3;
    bundle_ = folder_.path() / pack(test::sample_release(options), test::sample_info(), folder_.path());
    for (const auto& entry : fs::directory_iterator(bundle_)) files_[entry.path().filename()] = read_file(entry.path());
  }

  void expect_refused(const std::string& what) {
    try {
      (void)Bundle::open(bundle_, kOneThread);
      ADD_FAILURE() << what << ": opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt) << what;
      // A sentence: names a path and says something about it.
      EXPECT_THAT(error.message(), ::testing::AllOf(::testing::HasSubstr(bundle_.string()), ::testing::HasSubstr(": "))) << what;
    }
  }

  TemporaryFolder folder_;
  fs::path bundle_;
  std::map<std::string, std::string> files_;
};

TEST_F(DamageTest, every_flipped_byte_is_refused) {
  for (const auto& [name, bytes] : files_) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ (1U << i % 8));
      write(bundle_ / name, damaged);
      expect_refused(fmt::format("{} flipped at {}", name, i));
    }
    write(bundle_ / name, bytes);
  }
  EXPECT_NO_THROW((void)Bundle::open(bundle_, kOneThread));  // all is restored
}

TEST_F(DamageTest, every_truncation_is_refused) {
  for (const auto& [name, bytes] : files_) {
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      write(bundle_ / name, std::string_view(bytes).substr(0, n));
      expect_refused(fmt::format("{} cut to {}", name, n));
    }
    write(bundle_ / name, bytes);
  }
  EXPECT_NO_THROW((void)Bundle::open(bundle_, kOneThread));  // all is restored
}

TEST_F(DamageTest, a_longer_file_is_refused) {
  for (const auto& [name, bytes] : files_) {
    write(bundle_ / name, bytes + '\n');
    expect_refused(name + " with a line feed more");
    write(bundle_ / name, bytes);
  }
}

}  // namespace
}  // namespace lodestone::bundle
