#include "base/rotating_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone {
namespace {

class RotatingFileTest : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  fs::path path = folder.path() / "logs" / "access.jsonl";
  std::string old(int number) const { return read_file(path.string() + "." + std::to_string(number)); }
};

TEST_F(RotatingFileTest, a_full_file_moves_on_and_the_oldest_goes) {
  RotatingFile file(path, 8, 2);
  for (const char* line : {"one\n", "two\n", "three\n", "four\n", "five\n"}) file.write(line);
  EXPECT_EQ(read_file(path), "five\n");
  EXPECT_EQ(old(1), "four\n");
  EXPECT_EQ(old(2), "three\n");
  EXPECT_FALSE(fs::exists(path.string() + ".3"));
}

TEST_F(RotatingFileTest, without_old_files_it_begins_anew) {
  RotatingFile file(path, 4, 0);
  file.write("one\n");
  file.write("two\n");
  EXPECT_EQ(read_file(path), "two\n");
  EXPECT_FALSE(fs::exists(path.string() + ".1"));
}

TEST_F(RotatingFileTest, goes_on_behind_what_was_there_and_counts_it) {
  RotatingFile(path, 8, 1).write("one\n");
  RotatingFile file(path, 8, 1);
  file.write("two\n");
  EXPECT_EQ(read_file(path), "one\ntwo\n");
  file.write("three\n");
  EXPECT_EQ(read_file(path), "three\n");
}

TEST_F(RotatingFileTest, a_file_that_was_moved_away_is_followed_by_a_new_one) {
  RotatingFile file(path, 100, 1);
  file.write("one\n");
  fs::rename(path, folder.path() / "moved");
  file.write("two\n");
  EXPECT_EQ(read_file(folder.path() / "moved"), "one\n");
  EXPECT_EQ(read_file(path), "two\n");
}

TEST_F(RotatingFileTest, says_what_it_cannot_write_and_goes_on_when_it_can) {
  make_folders(path);  // a folder in its place
  RotatingFile file(path, 100, 1);
  try {
    file.write("one\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              path.string() + ": cannot be made: Is a directory; free space or choose a file that may be written");
  }
  fs::remove(path);
  file.write("two\n");
  EXPECT_EQ(read_file(path), "two\n");
}

}  // namespace
}  // namespace lodestone
