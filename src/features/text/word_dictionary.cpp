#include "features/text/word_dictionary.hpp"

#include <bit>
#include <cstring>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace lodestone::features {
namespace {

static_assert(std::endian::native == std::endian::little, "the block is used as it lies in the file, which is little endian");

template <typename T>
T read_at(std::span<const std::byte> bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace

WordDictionary::WordDictionary(std::span<const std::byte> bytes, std::string_view name) : name_(name) {
  LODESTONE_ASSERT(reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(std::uint64_t) == 0, "{} is not aligned", name);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < kHeaderBytes || text.substr(0, kMagic.size()) != kMagic)
    fail(ErrorCode::kCorrupt, "{}: is no word dictionary ({} bytes, it begins otherwise); build it again", name, text.size());
  const auto version = read_at<std::uint32_t>(bytes, 8);
  if (version != kVersion)
    fail(ErrorCode::kCorrupt, "{}: is a word dictionary of version {}, this program reads {}; build it again", name, version,
         kVersion);
  n_nodes_ = read_at<std::uint32_t>(bytes, 12);
  n_words_ = read_at<std::uint32_t>(bytes, 16);
  unknown_cost_ = read_at<std::uint32_t>(bytes, 20);
  checksum_ = read_at<std::uint64_t>(bytes, 24);
  const std::size_t expected = kHeaderBytes + kCodes * sizeof(std::uint16_t) + std::size_t{n_nodes_} * sizeof(std::uint64_t);
  if (n_nodes_ == 0 || n_nodes_ >= kNoNode || text.size() != expected)
    fail(ErrorCode::kCorrupt, "{}: holds {} bytes and its header says {} nodes, which take {}; build it again", name, text.size(),
         n_nodes_, expected);
  if (unknown_cost_ == 0 || unknown_cost_ > kNoWord)
    fail(ErrorCode::kCorrupt, "{}: says that an unknown character costs {}, expected 1 to {}; build it again", name,
         unknown_cost_, kNoWord);
  payload_ = text.substr(kHeaderBytes);
  codes_ = reinterpret_cast<const std::uint16_t*>(payload_.data());
  nodes_ = reinterpret_cast<const std::uint64_t*>(payload_.data() + kCodes * sizeof(std::uint16_t));
}

void WordDictionary::verify() const {
  if (xxh3(payload_) != checksum_)
    fail(ErrorCode::kCorrupt, "{}: its bytes do not have the checksum of its header; build it again", name_);
}

}  // namespace lodestone::features
