#include "models/recall/vector_file.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace lodestone::models {
namespace {

constexpr std::int64_t kVersion = 1;
/// Places in `about`. Eight of them, so that what follows stays at multiples of 64 bytes.
enum About : std::size_t { kFormat, kDistance, kDimension, kStride, kM, kEfConstruction, kEntry, kCount, kAboutSize };
constexpr std::size_t kOffsetsInLine = 64 / sizeof(std::uint64_t);

std::size_t padded(std::size_t n) { return (n + kOffsetsInLine - 1) / kOffsetsInLine * kOffsetsInLine; }

void require(bool fits, const TensorFile& file, const std::string& what) {
  if (!fits) fail(ErrorCode::kCorrupt, "{}: {}; roll back or publish again", file.file().path().string(), what);
}

}  // namespace

void save_vector_index(const VectorArrays& arrays, std::size_t ef_construction, const fs::path& path) {
  const std::size_t n = arrays.stride == 0 ? 0 : arrays.vectors.size() / arrays.stride;
  const auto number = [](std::size_t v) { return static_cast<std::int64_t>(v); };
  const std::vector<std::int64_t> about = {kVersion,
                                           static_cast<std::int64_t>(arrays.distance),
                                           number(arrays.dimension),
                                           number(arrays.stride),
                                           number(arrays.m),
                                           arrays.m == 0 ? 0 : number(ef_construction),
                                           arrays.entry,
                                           number(n)};
  std::vector<std::uint64_t> offsets(arrays.upper_offsets.begin(), arrays.upper_offsets.end());
  if (!offsets.empty()) offsets.resize(padded(offsets.size()), offsets.back());
  TensorWriter writer;
  writer.add("about", about);
  writer.add("upper_offsets", offsets);
  writer.add_matrix("vectors", arrays.vectors, n, arrays.stride);
  writer.add("links", arrays.links);
  writer.add("upper_links", arrays.upper_links);
  writer.add("levels", arrays.levels);
  writer.save(path);
}

VectorFile view_vector_index(const TensorFile& file) {
  const std::span<const std::int64_t> about = file.array<std::int64_t>("about", kAboutSize);
  require(about[kFormat] == kVersion, file,
          "holds version " + std::to_string(about[kFormat]) + " of a vector index, expected " + std::to_string(kVersion));
  require(about[kDistance] >= 0 && about[kDistance] <= static_cast<std::int64_t>(VectorDistance::kInnerProduct), file,
          "has the unknown distance " + std::to_string(about[kDistance]));
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  for (const About place : {kDimension, kStride, kM, kEfConstruction, kCount})
    require(about[place] >= 0 && about[place] <= kMost, file, "has the size " + std::to_string(about[place]));
  require(about[kEntry] >= -1 && about[kEntry] <= kMost, file, "has the entry " + std::to_string(about[kEntry]));
  const auto size = [&about](About place) { return static_cast<std::size_t>(about[place]); };
  const std::size_t n = size(kCount);
  VectorFile out;
  out.ef_construction = size(kEfConstruction);
  VectorArrays& a = out.arrays;
  a.distance = static_cast<VectorDistance>(about[kDistance]);
  a.dimension = size(kDimension);
  a.stride = size(kStride);
  a.m = size(kM);
  a.entry = static_cast<std::int32_t>(about[kEntry]);
  require(a.dimension > 0 && a.stride % kVectorLanes == 0 && a.stride > 0, file, "a vector has no whole number of lines");
  a.vectors = file.array<float>("vectors", n * a.stride);
  if (a.m == 0) return out;
  a.levels = file.array<std::uint8_t>("levels", n);
  a.links = file.array<std::int32_t>("links", n * 2 * a.m);
  a.upper_offsets = file.array<std::uint64_t>("upper_offsets", padded(n + 1)).first(n + 1);
  a.upper_links = file.array<std::int32_t>("upper_links");
  return out;
}

}  // namespace lodestone::models
