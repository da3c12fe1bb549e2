#pragma once
// Who visits: accounts with tastes, guests, and bots; which browser (visitor id) each of them comes with.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "simulation/items.hpp"

namespace lodestone::simulation {

/// Shares of a person's interest in kTastes clusters, the strongest first. The clusters may be equal.
constexpr std::size_t kTastes = 3;
constexpr std::array<double, kTastes> kTasteShares = {0.65, 0.25, 0.10};
using Taste = std::array<std::uint32_t, kTastes>;

/// One account; its id is its number + 1.
struct User {
  Seconds created = 0;
  Taste taste{};
  float log_price = 0;  ///< natural logarithm of the price in yuan that suits best
  std::uint32_t province = 0;
  std::uint32_t city = 0;
  std::uint32_t topic = 0;      ///< of the company
  bool has_phone = false;       ///< comes with a second browser, too
  bool shares_browser = false;  ///< its first browser is that of the account before it
};

enum class VisitorKind : std::uint8_t { kUser, kGuest, kBot };

/// Who makes a visit.
struct Visitor {
  VisitorKind kind = VisitorKind::kGuest;
  std::uint64_t id = 0;       ///< idvisitor
  std::uint32_t user = 0;     ///< number of the account, of kUser
  std::uint32_t browser = 0;  ///< number of the browser, 2 x account + 0 or 1, of kUser
  bool logged_in = false;     ///< the visit carries the user id
  Taste taste{};
  float log_price = 0;
  std::uint32_t province = 0;
  std::uint32_t city = 0;
  bool phone = false;
};

/// Const after construction.
class Population {
 public:
  Population(const SimulationOptions& options, const Items& items);

  [[nodiscard]] std::size_t n_users() const { return users_.size(); }
  [[nodiscard]] const User& user(std::size_t i) const { return users_[i]; }
  [[nodiscard]] std::size_t n_guests() const { return 2 * users_.size(); }

  /// An account or a guest, by activity. An account that does not exist yet comes as a guest with the browser that it will log in with;
  /// longer than two weeks before that somebody else comes.
  [[nodiscard]] Visitor draw(Rng& rng, Seconds at) const;
  [[nodiscard]] Visitor bot(std::size_t i) const;
  [[nodiscard]] std::uint64_t browser_id(std::uint32_t browser) const;
  /// The browser that account `user` comes with: its own, or that of the account before it.
  [[nodiscard]] std::uint32_t browser_of(std::size_t user, bool phone) const;

  /// Writes the table user; `last_login` holds one time an account, 0 for never.
  void write(std::uint64_t seed, Seconds end, const std::vector<Seconds>& last_login, TableWriter& out) const;

 private:
  [[nodiscard]] Visitor guest(std::uint64_t i) const;
  [[nodiscard]] Visitor as_visitor(Rng& rng, std::uint32_t user, Seconds at) const;
  [[nodiscard]] Taste draw_taste(Rng& rng) const;

  std::uint64_t seed_;
  const Items* items_;
  std::vector<User> users_;
  WeightedChoice activity_;
};

}  // namespace lodestone::simulation
