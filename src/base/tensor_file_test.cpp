#include "base/tensor_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.hpp"

namespace lodestone {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TensorFileTest : public ::testing::Test {
 protected:
  TensorFileTest() {
    TensorWriter writer;
    writer.add("bytes", bytes_);
    writer.add("longs", longs_);
    writer.add_matrix("matrix", std::span<const float>(floats_), 2, 3);
    writer.add_texts("titles", texts_);
    writer.save(path_);
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "a.safetensors";
  std::vector<std::uint8_t> bytes_{1, 2, 3};
  std::vector<std::int64_t> longs_{-5, INT64_MAX};
  std::vector<float> floats_{0.5F, 1, 2, 3, 4, 5};
  std::vector<std::string> texts_{"气象数据", "", "b"};
};

/// Without the flush of write_file_atomic: these tests write thousands of files.
void write(const fs::path& path, std::string_view bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string sentence_of(const fs::path& path) {
  try {
    const TensorFile file(path);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST_F(TensorFileTest, gives_back_what_was_written) {
  const TensorFile file(path_);
  EXPECT_THAT(file.array<std::uint8_t>("bytes"), ElementsAre(1, 2, 3));
  EXPECT_THAT(file.array<std::int64_t>("longs"), ElementsAre(-5, INT64_MAX));
  EXPECT_EQ(file.array<float>("matrix", 6)[5], 5);
  const TextList titles = file.texts("titles", 3);
  EXPECT_EQ(titles[0], "气象数据");
  EXPECT_EQ(titles[1], "");
  EXPECT_EQ(titles[2], "b");
}

TEST_F(TensorFileTest, names_missing_mistyped_and_missized_arrays) {
  const TensorFile file(path_);
  EXPECT_THROW((void)file.array<float>("none"), Error);
  try {
    (void)file.array<float>("longs");
    ADD_FAILURE() << "an int64 array was read as float";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("array longs is I64, F32 is expected"));
  }
  EXPECT_THROW((void)file.array<float>("matrix", 7), Error);
  EXPECT_THROW((void)file.texts("titles", 4), Error);
}

TEST_F(TensorFileTest, every_truncation_is_refused) {
  const std::string whole = read_file(path_);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    write(folder_.path() / "cut", std::string_view(whole).substr(0, n));
    EXPECT_NE(sentence_of(folder_.path() / "cut"), "") << n << " of " << whole.size() << " bytes";
  }
}

TEST_F(TensorFileTest, no_flipped_header_byte_leads_outside_the_file) {
  const std::string whole = read_file(path_);
  const std::size_t header = 8 + static_cast<unsigned char>(whole[0]) + 256U * static_cast<unsigned char>(whole[1]);
  for (std::size_t i = 0; i < header; ++i) {
    for (const unsigned flip : {1U, 8U, 0x80U}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(static_cast<unsigned char>(damaged[i]) ^ flip);
      write(folder_.path() / "flipped", damaged);
      try {
        const TensorFile file(folder_.path() / "flipped");
        for (const std::string& name : file.names()) {
          std::uint64_t sum = 0;
          if (name == "bytes") {
            for (const auto v : file.array<std::uint8_t>(name)) sum += v;
          }
          EXPECT_LE(sum, 765U);
        }
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      }
    }
  }
}

TEST_F(TensorFileTest, offsets_must_rise_to_their_end) {
  const std::vector<std::uint64_t> falling{0, 3, 2, 3};
  TensorWriter writer;
  writer.add("o", falling);
  writer.save(folder_.path() / "b");
  const TensorFile file(folder_.path() / "b");
  EXPECT_THROW((void)file.offsets("o", 3, 3), Error);
  EXPECT_THROW((void)file.offsets("o", 2, 3), Error);
}

TEST_F(TensorFileTest, overlapping_arrays_are_refused) {
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})";
  std::string text(8, '\0');
  text[0] = static_cast<char>(header.size());
  write_file_atomic(folder_.path() / "c", text + header + "123456");
  EXPECT_THAT(sentence_of(folder_.path() / "c"), HasSubstr("do not cover"));
}

TEST_F(TensorFileTest, the_worked_example_of_the_documentation_is_what_is_written) {
  const std::vector<float> scores{0.5F, 0.25F};
  const std::vector<std::string> titles{"Rain", "Air"};
  TensorWriter writer;
  writer.add("scores", scores);
  writer.add_texts("title", titles);
  writer.save(folder_.path() / "example");
  // The lines of the dump: an address, then up to eight groups of two bytes, two blanks, the text.
  std::string bytes;
  LineReader reader(fs::path(LODESTONE_SOURCE_DIR) / "docs/formats/safetensors.md");
  for (std::string line; reader.next(line);) {
    if (!line.starts_with("00000")) continue;
    for (std::size_t at = 10; at < 49 && line[at] != ' '; at += 5) {
      for (std::size_t digit = at; digit < at + 4 && line[digit] != ' '; digit += 2) {
        bytes += static_cast<char>(std::stoi(line.substr(digit, 2), nullptr, 16));
      }
    }
  }
  EXPECT_EQ(bytes, read_file(folder_.path() / "example"));
}

}  // namespace
}  // namespace lodestone
