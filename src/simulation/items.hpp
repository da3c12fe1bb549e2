#pragma once
// The data sets of the marketplace: what the walks need of each (cluster, price, life) in memory, its texts made on demand.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/catalogue.hpp"
#include "simulation/options.hpp"
#include "simulation/table_writer.hpp"
#include "simulation/weighted_choice.hpp"

namespace lodestone::simulation {

/// One data set; its id is its number + 1.
struct Item {
  Seconds created = 0;
  Seconds updated = 0;  ///< at least created
  Seconds removed = 0;  ///< first second it is not on sale any more, or kNever
  std::uint32_t cluster = 0;
  std::uint32_t position = 0;  ///< in the walking order of its cluster
  std::int32_t cents = 0;      ///< price, 0 for free ones
  bool deleted = false;        ///< how it was removed: is_delete, else off the shelf
  bool has_api = false;
};

/// What people read of a data set. "" stands for null (see description_is_empty).
struct ItemText {
  std::string title, description, tag, company, category, format, external_id;
  bool description_is_empty = false;  ///< the column holds "", not null
};

constexpr Seconds kNever = INT64_MAX;

/// Const after construction.
class Items {
 public:
  explicit Items(const SimulationOptions& options);

  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] const Item& operator[](std::size_t i) const { return items_[i]; }
  [[nodiscard]] ItemText text(std::size_t item) const;
  [[nodiscard]] std::string title(std::size_t item) const { return text(item).title; }
  [[nodiscard]] bool on_sale(std::size_t item, Seconds at) const {
    return items_[item].created <= at && at < items_[item].removed;
  }

  [[nodiscard]] std::size_t n_clusters() const { return members_.size(); }
  [[nodiscard]] const std::string& cluster_name(std::size_t cluster) const { return cluster_names_[cluster]; }
  [[nodiscard]] const std::vector<std::uint32_t>& members(std::size_t cluster) const { return members_[cluster]; }
  /// The topic (of the vocabulary) whose industry cares for a cluster.
  [[nodiscard]] static std::size_t topic(std::size_t cluster);

  /// Draws by popularity, from all or from one cluster; kNoItem when ten draws found nothing on sale.
  [[nodiscard]] std::uint32_t draw(Rng& rng, Seconds at) const;
  [[nodiscard]] std::uint32_t draw_in_cluster(Rng& rng, std::size_t cluster, Seconds at) const;
  /// A near item in the walking order: a handful of steps away, near ones more often.
  [[nodiscard]] std::uint32_t draw_near(Rng& rng, std::size_t item, Seconds at) const;
  /// How often people look for the item, in proportion: by this draw() and draw_in_cluster() choose.
  [[nodiscard]] double popularity(std::size_t item) const { return popularity_[item]; }
  /// Clusters by how many items they hold, for tastes.
  [[nodiscard]] std::uint32_t draw_cluster(Rng& rng) const { return cluster_choice_.draw(rng); }

  static constexpr std::uint32_t kNoItem = UINT32_MAX;

 private:
  void cluster_generated();
  void cluster_catalogue();
  void live(const SimulationOptions& options);
  void draw_popularity(std::uint64_t seed);
  [[nodiscard]] ItemText catalogue_text(std::size_t item) const;

  std::uint64_t seed_;
  std::vector<Item> items_;
  std::vector<CatalogueItem> catalogue_;  // empty when items are generated
  std::vector<std::string> cluster_names_;
  std::vector<std::vector<std::uint32_t>> members_;
  std::vector<double> popularity_;
  WeightedChoice choice_;
  std::vector<WeightedChoice> choice_in_cluster_;
  WeightedChoice cluster_choice_;
};

/// Text of a generated data set about one term of one topic (`focus` indexes Topic::terms).
ItemText generate_text(std::uint64_t seed, std::size_t item, std::size_t topic, std::size_t focus);

/// Writes dict, dataset and dataset_image. `sales` and `views` hold one count an item.
struct ItemRows {
  TableWriter* dict;
  TableWriter* dataset;
  TableWriter* image;
};
void write_items(const Items& items, std::uint64_t seed, const std::vector<std::uint32_t>& sales,
                 const std::vector<std::uint32_t>& views, const ItemRows& rows);

}  // namespace lodestone::simulation
