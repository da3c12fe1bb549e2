#pragma once
// What the fits by LightGBM share: its handles with owners, its errors as sentences, and the grades that it ranks by. Internal to this folder.
// The library's own header stays in the .cpp files; its handles are void*.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lodestone::training::lightgbm {

/// Throws invalid_argument, "LightGBM could not <what>: ..." with its words, when a call returned other than 0.
void check(int status, const char* what);

/// The library writes to stdout unless told otherwise, and stdout is for data.
void silence();

/// `wanted`, or for 0 all cores, one for fewer than 20,000 rows: its threads spin at their barriers, so on few rows they cost more than they
/// give, and beside other work they stand still.
int threads_of(int wanted, std::size_t n_rows);

/// Throws invalid_argument when there is no label, more than the library counts, or one that is no whole number in 0..30, where its table of
/// gains ends.
void check_grades(std::span<const float> labels);

/// Row-wise histograms and `deterministic` make the sums, and so the trees, the same for every number of threads.
inline constexpr const char* kSameTrees = "deterministic=true force_row_wise=true verbosity=-1";

/// Owns a DatasetHandle.
class Dataset {
 public:
  /// Takes over a handle.
  explicit Dataset(void* handle) : handle_(handle) {}
  ~Dataset();
  Dataset(Dataset&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Dataset& operator=(Dataset&& other) = delete;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  void set_labels(std::span<const float> labels);
  /// Group g is the rows [groups[g], groups[g + 1]).
  void set_groups(std::span<const std::uint64_t> groups);
  void set_positions(std::span<const std::int32_t> positions);
  void set_names(const std::vector<std::string>& names);

  [[nodiscard]] void* handle() const { return handle_; }

 private:
  void* handle_;
};

/// Owns a BoosterHandle. It grows, and judges itself, only while its data sets live.
class Booster {
 public:
  Booster(const Dataset& data, const std::string& parameters);
  ~Booster();
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;

  /// Grows a tree; false when no split was worth it.
  bool grow();
  /// The one set whose metric `evaluate` gives.
  void add_validation(const Dataset& data);
  /// The first metric of the parameters, on the validation rows.
  [[nodiscard]] double evaluate() const;
  /// Text of the first `trees` trees, all for 0, in the library's format.
  [[nodiscard]] std::string text(int trees) const;
  /// Total gain of the splits on each of `n_features` features in the first `trees` trees, all for 0.
  [[nodiscard]] std::vector<double> gain(int trees, std::size_t n_features) const;

  [[nodiscard]] void* handle() const { return handle_; }

 private:
  void* handle_ = nullptr;
};

}  // namespace lodestone::training::lightgbm
