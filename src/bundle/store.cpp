#include "bundle/store.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/error.hpp"

namespace lodestone::bundle {
namespace {

/// Mean share of the first ten neighbours of an item in `before` that are among its first ten in `after`.
class KeptShare {
 public:
  void add(const models::Catalog& old_catalog, const models::NeighbourRow& old_row, const models::Catalog& new_catalog, const models::NeighbourRow& new_row) {
    const std::size_t n = std::min<std::size_t>(10, old_row.items.size());
    if (n == 0) return;
    std::vector<std::int64_t> now;
    for (const ItemIndex item : new_row.items.first(std::min<std::size_t>(10, new_row.items.size()))) now.push_back(raw(new_catalog.id(item)));
    std::size_t kept = 0;
    for (const ItemIndex item : old_row.items.first(n)) {
      if (std::find(now.begin(), now.end(), raw(old_catalog.id(item))) != now.end()) ++kept;
    }
    sum_ += static_cast<double>(kept) / static_cast<double>(n);
    ++count_;
  }
  [[nodiscard]] double mean() const { return count_ == 0 ? 1.0 : sum_ / static_cast<double>(count_); }

 private:
  double sum_ = 0;
  std::size_t count_ = 0;
};

/// The process that made ".new-<pid>-<n>" is gone, so nobody will finish it.
bool is_abandoned(const std::string& name) {
  if (!name.starts_with(".new-")) return false;
  int pid = 0;
  std::from_chars(name.data() + 5, name.data() + name.size(), pid);
  return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

std::vector<BundleEntry> BundleStore::list() const {
  std::vector<BundleEntry> out;
  if (!fs::is_directory(folder_)) return out;
  const auto now = current();
  for (const auto& item : fs::directory_iterator(folder_)) {
    const std::string name = item.path().filename().string();
    if (!is_bundle_id(name)) continue;
    BundleEntry entry;
    entry.id = name;
    entry.is_current = now == name;
    try {
      const Manifest manifest = Manifest::load(item.path());
      entry.created = manifest.created;
      entry.bytes = manifest.bytes();
    } catch (const Error& error) {
      entry.problem = error.message();  // a list shows a damaged bundle instead of failing on it
    }
    out.push_back(std::move(entry));
  }
  std::sort(out.begin(), out.end(), [](const BundleEntry& a, const BundleEntry& b) { return a.id > b.id; });
  return out;
}

std::optional<std::string> BundleStore::current() const {
  const fs::path path = folder_ / "CURRENT";
  if (!fs::exists(path)) return std::nullopt;
  std::string text = read_file(path);
  if (!text.empty() && text.back() == '\n') text.pop_back();
  if (!is_bundle_id(text)) {
    fail(ErrorCode::kCorrupt, "{}: holds no bundle id; run lodestone bundle rollback ID with one of lodestone bundle list", path.string());
  }
  return text;
}

fs::path BundleStore::path_of(const std::string& id) const {
  if (!is_bundle_id(id)) fail(ErrorCode::kInvalidArgument, "\"{}\" is no bundle id; they look like b-20261124T093000Z-1a2b3c4d", id);
  fs::path path = folder_ / id;
  if (!fs::is_directory(path)) fail(ErrorCode::kNotFound, "bundle {} is not in {}; lodestone bundle list shows what is", id, folder_.string());
  return path;
}

void BundleStore::publish(const std::string& id) const {
  (void)Bundle::open(path_of(id));
  write_file_atomic(folder_ / "CURRENT", id + "\n");
}

std::string BundleStore::rollback(const std::optional<std::string>& id) const {
  std::string target;
  if (id) {
    target = *id;
  } else {
    const auto now = current();
    if (!now) fail(ErrorCode::kNotFound, "{}: no bundle is current, so there is none to go back from", folder_.string());
    for (const BundleEntry& entry : list()) {
      if (entry.id < *now && entry.problem.empty()) {
        target = entry.id;
        break;
      }
    }
    if (target.empty()) fail(ErrorCode::kNotFound, "{}: there is no bundle older than {}", folder_.string(), *now);
  }
  publish(target);
  return target;
}

BundleDiff BundleStore::diff(const std::string& before, const std::string& after) const {
  const auto old_bundle = Bundle::open(path_of(before));
  const auto new_bundle = Bundle::open(path_of(after));
  const models::Release& a = old_bundle->release();
  const models::Release& b = new_bundle->release();
  BundleDiff out;
  KeptShare behavior;
  KeptShare content;
  for (std::size_t i = 0; i < a.catalog.n_items(); ++i) {
    const auto old_item = static_cast<ItemIndex>(i);
    const auto new_item = b.catalog.find(a.catalog.id(old_item));
    if (!new_item) {
      ++out.items_removed;
      continue;
    }
    ++out.lists_compared;
    if (a.catalog.card(old_item) != b.catalog.card(*new_item) || a.catalog.is_available(old_item) != b.catalog.is_available(*new_item)) ++out.items_changed;
    behavior.add(a.catalog, a.behavior.row(old_item), b.catalog, b.behavior.row(*new_item));
    content.add(a.catalog, a.content.row(old_item), b.catalog, b.content.row(*new_item));
  }
  out.items_added = b.catalog.n_items() - out.lists_compared;
  out.behavior_kept = behavior.mean();
  out.content_kept = content.mean();
  out.users_before = a.users.size();
  out.users_after = b.users.size();
  return out;
}

std::vector<std::string> BundleStore::prune(std::size_t keep) const {
  std::vector<std::string> removed;
  const std::vector<BundleEntry> all = list();
  const auto now = current();
  std::size_t place = 0;
  bool before_current = false;  // the first one older than the current stays for rollback
  for (const BundleEntry& entry : all) {
    const bool previous = now && entry.id < *now && !before_current;
    if (previous) before_current = true;
    if (place++ < keep || entry.is_current || previous) continue;
    fs::remove_all(folder_ / entry.id);
    removed.push_back(entry.id);
  }
  if (!fs::is_directory(folder_)) return removed;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (is_abandoned(entry.path().filename().string())) leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) fs::remove_all(path);
  return removed;
}

}  // namespace lodestone::bundle
