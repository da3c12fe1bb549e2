#include "base/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <csignal>
#include <fstream>

#include "base/error.hpp"

namespace lodestone {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> lines_of(const fs::path& path) {
  LineReader reader(path);
  std::vector<std::string> out;
  for (std::string line; reader.next(line);) out.push_back(line);
  return out;
}

void write_gzip(const fs::path& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
}

TEST(File, replaces_a_file_and_leaves_no_temporary_one) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "deep" / "a.txt";
  write_file_atomic(path, "one");
  write_file_atomic(path, "two");
  EXPECT_EQ(read_file(path), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(path.parent_path()), fs::directory_iterator()), 1);
}

TEST(File, full_disk_keeps_the_old_file_and_names_the_path) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "a.txt";
  write_file_atomic(path, "old");
  // A limit on the size of files makes write() fail like a full disk does.
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{1000, limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::string sentence;
  try {
    write_file_atomic(path, std::string(5000, 'x'));
  } catch (const Error& error) {
    sentence = error.message();
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  }
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  EXPECT_THAT(sentence, HasSubstr(path.string() + ": cannot be written"));
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(File, missing_file_and_folder_have_their_sentences) {
  const TemporaryFolder folder;
  try {
    read_file(folder.path() / "none");
    ADD_FAILURE() << "a missing file was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.message(), HasSubstr("none: no such file"));
  }
  EXPECT_THROW(read_file(folder.path()), Error);
}

TEST(File, reads_lines_with_either_ending_and_without_a_last_one) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "a") << "x\r\n\ny";
  EXPECT_THAT(lines_of(folder.path() / "a"), ElementsAre("x", "", "y"));
  std::ofstream(folder.path() / "empty");
  EXPECT_TRUE(lines_of(folder.path() / "empty").empty());
}

TEST(File, reads_long_lines_and_gzip) {
  const TemporaryFolder folder;
  const std::string wide(200000, 'z');
  write_gzip(folder.path() / "a.gz", wide + "\nend\n");
  EXPECT_THAT(lines_of(folder.path() / "a.gz"), ElementsAre(wide, "end"));
  EXPECT_EQ(read_text_file(folder.path() / "a.gz"), wide + "\nend\n");
}

TEST(File, cut_or_false_gzip_is_corrupt) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 50000; ++i) text += std::to_string(i * 7919) + "\n";
  write_gzip(folder.path() / "a.gz", text);
  fs::resize_file(folder.path() / "a.gz", fs::file_size(folder.path() / "a.gz") / 2);
  EXPECT_THROW(lines_of(folder.path() / "a.gz"), Error);
  std::ofstream(folder.path() / "b.gz") << "plain text";
  EXPECT_THROW(lines_of(folder.path() / "b.gz"), Error);
}

TEST(File, maps_a_file_and_an_empty_one) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "a", "bytes");
  write_file_atomic(folder.path() / "b", "");
  MappedFile a(folder.path() / "a");
  EXPECT_EQ(a.text(), "bytes");
  const MappedFile moved(std::move(a));
  EXPECT_EQ(moved.text(), "bytes");
  EXPECT_EQ(MappedFile(folder.path() / "b").bytes().size(), 0U);
  EXPECT_THROW(MappedFile(folder.path() / "c"), Error);
}

}  // namespace
}  // namespace lodestone
