#pragma once
// Named arrays in one flat file: the safetensors format (docs/formats/safetensors.md), which Python's library opens too. The reader
// maps the file and hands out spans into it; nothing is copied.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"

namespace lodestone {

/// Element types that we write. Little endian.
enum class TensorType { kU8, kI32, kI64, kU64, kF32, kF64 };

template <typename T>
struct TensorTypeOf;
template <>
struct TensorTypeOf<std::uint8_t> : std::integral_constant<TensorType, TensorType::kU8> {};
template <>
struct TensorTypeOf<std::int32_t> : std::integral_constant<TensorType, TensorType::kI32> {};
template <>
struct TensorTypeOf<std::int64_t> : std::integral_constant<TensorType, TensorType::kI64> {};
template <>
struct TensorTypeOf<std::uint64_t> : std::integral_constant<TensorType, TensorType::kU64> {};
template <>
struct TensorTypeOf<float> : std::integral_constant<TensorType, TensorType::kF32> {};
template <>
struct TensorTypeOf<double> : std::integral_constant<TensorType, TensorType::kF64> {};

/// Collects arrays and writes them in one file. The arrays must stay alive until save().
class TensorWriter {
 public:
  /// A one-dimensional array. Names are unique.
  template <typename T>
  void add(std::string name, std::span<const T> values) {
    add_raw(std::move(name), TensorTypeOf<T>::value, {values.size()}, std::as_bytes(values));
  }
  template <typename T>
  void add(std::string name, const std::vector<T>& values) {
    add(std::move(name), std::span<const T>(values));
  }
  /// A row-major matrix; values.size() == rows * columns.
  template <typename T>
  void add_matrix(std::string name, std::span<const T> values, std::size_t rows, std::size_t columns) {
    LODESTONE_ASSERT(values.size() == rows * columns, "{}: {} values in {} x {}", name, values.size(), rows, columns);
    add_raw(std::move(name), TensorTypeOf<T>::value, {rows, columns}, std::as_bytes(values));
  }
  /// A list of texts, as `NAME.offsets` u64[n + 1] and `NAME.bytes` u8.
  void add_texts(const std::string& name, std::span<const std::string> texts);

  /// Writes the file and flushes it (not atomic: the bundle writes into a folder that nobody sees yet). Throws unavailable.
  void save(const fs::path& path) const;

 private:
  struct Entry {
    std::string name;
    TensorType type;
    std::vector<std::size_t> shape;
    std::span<const std::byte> bytes;
  };
  void add_raw(std::string name, TensorType type, std::vector<std::size_t> shape, std::span<const std::byte> bytes);

  std::vector<Entry> entries_;
  std::vector<std::vector<std::uint64_t>> own_offsets_;
  std::vector<std::string> own_bytes_;
};

/// A list of texts inside a mapped file.
class TextList {
 public:
  TextList() = default;
  TextList(std::span<const std::uint64_t> offsets, std::span<const std::uint8_t> bytes) : offsets_(offsets), bytes_(bytes) {}
  [[nodiscard]] std::size_t size() const { return offsets_.empty() ? 0 : offsets_.size() - 1; }
  [[nodiscard]] std::string_view operator[](std::size_t i) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + offsets_[i], static_cast<std::size_t>(offsets_[i + 1] - offsets_[i])};
  }

 private:
  std::span<const std::uint64_t> offsets_;
  std::span<const std::uint8_t> bytes_;
};

/// A mapped file of arrays, checked when opened: header, types, shapes, order and bounds, so that every span it gives lies inside the
/// file. Const after construction, safe from many threads.
class TensorFile {
 public:
  /// Throws corrupt with a sentence for anything that is not a well-formed file.
  explicit TensorFile(const fs::path& path) : TensorFile(MappedFile(path)) {}
  explicit TensorFile(MappedFile file);

  [[nodiscard]] bool has(std::string_view name) const { return entries_.contains(std::string(name)); }

  /// The array of that name and type; throws corrupt when it is missing or of another type.
  template <typename T>
  [[nodiscard]] std::span<const T> array(std::string_view name) const {
    const Entry& entry = find(name, TensorTypeOf<T>::value);
    return {reinterpret_cast<const T*>(entry.bytes.data()), entry.bytes.size() / sizeof(T)};
  }
  /// The same, and throws corrupt unless it has exactly `n` elements.
  template <typename T>
  [[nodiscard]] std::span<const T> array(std::string_view name, std::size_t n) const {
    const std::span<const T> values = array<T>(name);
    check_size(name, values.size(), n);
    return values;
  }
  /// Offsets that start at 0, never fall and end at `end`; throws corrupt otherwise.
  [[nodiscard]] std::span<const std::uint64_t> offsets(std::string_view name, std::size_t n_rows, std::size_t end) const;
  /// Texts written by add_texts; throws corrupt when there are not exactly `n`.
  [[nodiscard]] TextList texts(const std::string& name, std::size_t n) const;

  [[nodiscard]] const MappedFile& file() const { return file_; }
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct Entry {
    TensorType type{};
    std::span<const std::byte> bytes;
  };
  [[nodiscard]] const Entry& find(std::string_view name, TensorType type) const;
  void check_size(std::string_view name, std::size_t found, std::size_t expected) const;

  MappedFile file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace lodestone
