// What a bundle is read from: manifest.json, and array files with the item table over them. The first byte chooses. Anything may be
// refused with Error; nothing may be read outside of the file (the sanitizers see to that).
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/tensor_file.hpp"
#include "bundle/bundle.hpp"
#include "models/catalog.hpp"

namespace {

using lodestone::TensorFile;

/// A file that lives in memory; its path can be opened like any other.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("fuzz", 0)) {
    LODESTONE_ASSERT(descriptor_ >= 0 && ::write(descriptor_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
                     "no memory file");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

std::size_t read_arrays(const TensorFile& file) {
  std::size_t sum = 0;
  for (const std::string& name : file.names()) {
    try {
      for (const std::uint8_t value : file.array<std::uint8_t>(name)) sum += value;
    } catch (const lodestone::Error&) {  // of another type
      continue;
    }
  }
  return sum;
}

std::size_t read_catalog(const TensorFile& file) {
  const lodestone::models::Catalog catalog(file);
  std::size_t sum = 0;
  for (lodestone::ItemIndex item = 0; item < static_cast<lodestone::ItemIndex>(catalog.n_items()); ++item) {
    sum += catalog.title(item).size() + catalog.category(item).size() + catalog.company(item).size() +
           catalog.data_format(item).size();
    for (const char c : catalog.card(item)) sum += static_cast<unsigned char>(c);
    for (const std::int32_t tag : catalog.tags(item)) sum += catalog.tag_name(tag).size();
    sum += catalog.find(catalog.id(item)).has_value() ? 1U : 0U;
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static volatile std::size_t sink = 0;  // keeps the reads
  try {
    if (data[0] == 'm') {
      sink = sink + lodestone::bundle::Manifest::parse(bytes, "manifest.json").bytes();
    } else {
      const MemoryFile memory(bytes);
      const TensorFile file(memory.path());
      sink = sink + read_arrays(file);
      sink = sink + read_catalog(file);
    }
  } catch (const lodestone::Error& error) {
    LODESTONE_ASSERT(error.code() == lodestone::ErrorCode::kCorrupt && !error.message().empty(), "{}", error.message());
  }
  return 0;
}
