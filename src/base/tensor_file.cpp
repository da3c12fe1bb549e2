#include "base/tensor_file.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/json.hpp"

namespace lodestone {
namespace {

static_assert(std::endian::native == std::endian::little, "the files are little endian and are mapped as they are");

// The header is padded so that the data, and with it every 8-byte array, starts at a multiple of 64.
constexpr std::size_t kAlign = 64;
constexpr std::size_t kMaxHeader = 1U << 20U;

std::string_view type_name(TensorType type) {
  switch (type) {
    case TensorType::kU8: return "U8";
    case TensorType::kI32: return "I32";
    case TensorType::kI64: return "I64";
    case TensorType::kU64: return "U64";
    case TensorType::kF32: return "F32";
    case TensorType::kF64: return "F64";
  }
  return "";
}

std::size_t type_size(TensorType type) {
  switch (type) {
    case TensorType::kU8: return 1;
    case TensorType::kI32:
    case TensorType::kF32: return 4;
    case TensorType::kI64:
    case TensorType::kU64:
    case TensorType::kF64: return 8;
  }
  return 1;
}

std::optional<TensorType> parse_type(std::string_view name) {
  for (const TensorType type :
       {TensorType::kU8, TensorType::kI32, TensorType::kI64, TensorType::kU64, TensorType::kF32, TensorType::kF64}) {
    if (type_name(type) == name) return type;
  }
  return std::nullopt;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

void TensorWriter::add_raw(std::string name, TensorType type, std::vector<std::size_t> shape, std::span<const std::byte> bytes) {
  for (const Entry& entry : entries_) LODESTONE_ASSERT(entry.name != name, "array {} added twice", name);
  entries_.push_back({std::move(name), type, std::move(shape), bytes});
}

void TensorWriter::add_texts(const std::string& name, std::span<const std::string> texts) {
  std::vector<std::uint64_t> offsets{0};
  std::string bytes;
  for (const std::string& text : texts) {
    bytes += text;
    offsets.push_back(bytes.size());
  }
  // Moving a vector keeps its elements where they are; moving a short string would not, so it goes to the heap.
  bytes.reserve(64);
  own_offsets_.push_back(std::move(offsets));
  own_bytes_.push_back(std::move(bytes));
  add_raw(name + ".offsets", TensorType::kU64, {own_offsets_.back().size()}, std::as_bytes(std::span(own_offsets_.back())));
  add_raw(name + ".bytes", TensorType::kU8, {own_bytes_.back().size()}, std::as_bytes(std::span(own_bytes_.back())));
}

void TensorWriter::save(const fs::path& path) const {
  // Widest elements first, so that no array needs padding before it: the format wants data without holes.
  std::vector<const Entry*> order;
  for (const Entry& entry : entries_) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(),
                   [](const Entry* a, const Entry* b) { return type_size(a->type) > type_size(b->type); });

  json::Value header;
  std::size_t at = 0;
  for (const Entry* entry : order) {
    json::Array shape;
    for (const std::size_t n : entry->shape) shape.emplace_back(static_cast<std::int64_t>(n));
    json::Value description;
    description.set("dtype", json::Value(type_name(entry->type)));
    description.set("shape", json::Value(std::move(shape)));
    description.set("data_offsets", json::Value(json::Array{json::Value(static_cast<std::int64_t>(at)),
                                                            json::Value(static_cast<std::int64_t>(at + entry->bytes.size()))}));
    header.set(entry->name, std::move(description));
    at += entry->bytes.size();
  }
  std::string text = entries_.empty() ? "{}" : json::format(header);
  text.append((kAlign - (8 + text.size()) % kAlign) % kAlign, ' ');
  const std::uint64_t length = text.size();

  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "wb"));
  const auto give_up = [&] {
    fail(ErrorCode::kUnavailable, "{}: cannot be written: {}; free some space or check the rights", path.string(),
         std::strerror(errno));
  };
  if (!file) give_up();
  const auto write = [&](const void* data, std::size_t n) {
    if (n > 0 && std::fwrite(data, 1, n, file.get()) != n) give_up();
  };
  write(&length, sizeof(length));
  write(text.data(), text.size());
  for (const Entry* entry : order) write(entry->bytes.data(), entry->bytes.size());
  if (std::fflush(file.get()) != 0) give_up();
  sync_path(path);
}

TensorFile::TensorFile(MappedFile file) : file_(std::move(file)) {
  const std::string name = file_.path().string();
  const std::string_view text = file_.text();
  if (text.size() < 8) fail(ErrorCode::kCorrupt, "{}: {} bytes are too few for a safetensors file", name, text.size());
  std::uint64_t length = 0;
  std::memcpy(&length, text.data(), 8);
  if (length > kMaxHeader || length > text.size() - 8) {
    fail(ErrorCode::kCorrupt, "{}: header of {} bytes does not fit into a file of {}", name, length, text.size());
  }
  const std::span<const std::byte> data = file_.bytes().subspan(8 + length);
  const json::Value header = json::parse(text.substr(8, length), name);
  const json::Object* object = header.as_object();
  if (object == nullptr) fail(ErrorCode::kCorrupt, "{}: header is no JSON object", name);
  std::vector<std::uint64_t> bounds;  // begin, end of each array, to see that they cover the data without a hole
  for (const auto& [key, value] : *object) {
    if (key == "__metadata__") continue;
    const json::Value* dtype = value.find("dtype");
    const json::Value* shape = value.find("shape");
    const json::Value* range = value.find("data_offsets");
    const auto bad = [&](std::string_view what) { fail(ErrorCode::kCorrupt, "{}: array {}: {}", name, key, what); };
    if (dtype == nullptr || dtype->as_string() == nullptr) bad("no dtype");
    if (shape == nullptr || shape->as_array() == nullptr) bad("no shape");
    if (range == nullptr || range->as_array() == nullptr || range->as_array()->size() != 2) bad("no data_offsets");
    const auto type = parse_type(*dtype->as_string());
    if (!type) bad("unknown dtype");
    std::uint64_t n = 1;
    for (const json::Value& dim : *shape->as_array()) {
      if (dim.as_int() == nullptr || *dim.as_int() < 0) bad("bad shape");
      const auto d = static_cast<std::uint64_t>(*dim.as_int());
      if (d != 0 && n > data.size() / d) bad("shape larger than the file");
      n *= d;
    }
    const std::int64_t* begin = (*range->as_array())[0].as_int();
    const std::int64_t* end = (*range->as_array())[1].as_int();
    if (begin == nullptr || end == nullptr || *begin < 0 || *end < *begin || static_cast<std::uint64_t>(*end) > data.size()) {
      bad("data_offsets outside the file");
    }
    const auto first = static_cast<std::uint64_t>(*begin);
    const auto bytes = static_cast<std::uint64_t>(*end - *begin);
    if (bytes != n * type_size(*type)) bad("size does not fit its shape");
    const std::span<const std::byte> part = data.subspan(first, bytes);
    if (reinterpret_cast<std::uintptr_t>(part.data()) % type_size(*type) != 0) bad("is not aligned");
    entries_.emplace(key, Entry{*type, part});
    bounds.push_back(first);
    bounds.push_back(first + bytes);
  }
  std::sort(bounds.begin(), bounds.end());
  // Sorted begins and ends of ranges without hole or overlap pair up: 0, (e, b), (e, b), ..., end.
  bool covered = bounds.empty() ? data.empty() : bounds.front() == 0 && bounds.back() == data.size();
  for (std::size_t i = 1; covered && i + 1 < bounds.size(); i += 2) covered = bounds[i] == bounds[i + 1];
  if (!covered) fail(ErrorCode::kCorrupt, "{}: the arrays do not cover its {} data bytes", name, data.size());
}

const TensorFile::Entry& TensorFile::find(std::string_view name, TensorType type) const {
  const auto it = entries_.find(std::string(name));
  if (it == entries_.end()) fail(ErrorCode::kCorrupt, "{}: array {} is missing", file_.path().string(), name);
  if (it->second.type != type) {
    fail(ErrorCode::kCorrupt, "{}: array {} is {}, {} is expected", file_.path().string(), name, type_name(it->second.type),
         type_name(type));
  }
  return it->second;
}

void TensorFile::check_size(std::string_view name, std::size_t found, std::size_t expected) const {
  if (found != expected) {
    fail(ErrorCode::kCorrupt, "{}: array {} has {} elements, {} are expected", file_.path().string(), name, found, expected);
  }
}

std::span<const std::uint64_t> TensorFile::offsets(std::string_view name, std::size_t n_rows, std::size_t end) const {
  const auto values = array<std::uint64_t>(name, n_rows + 1);
  bool good = values.front() == 0 && values.back() == end;
  for (std::size_t i = 0; good && i < n_rows; ++i) good = values[i] <= values[i + 1];
  if (!good) fail(ErrorCode::kCorrupt, "{}: array {} holds no rising offsets from 0 to {}", file_.path().string(), name, end);
  return values;
}

TextList TensorFile::texts(const std::string& name, std::size_t n) const {
  const auto bytes = array<std::uint8_t>(name + ".bytes");
  return {offsets(name + ".offsets", n, bytes.size()), bytes};
}

std::vector<std::string> TensorFile::names() const {
  std::vector<std::string> out;
  for (const auto& [name, entry] : entries_) out.push_back(name);
  return out;
}

}  // namespace lodestone
