#include "bundle/store.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "bundle/file_lock.hpp"

namespace lodestone::bundle {
namespace {

/// Publications that HISTORY remembers.
constexpr std::size_t kHistoryLength = 100;

std::string join_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out.append(line).push_back('\n');
  return out;
}

}  // namespace

std::vector<std::string> BundleStore::ids() const {
  std::vector<std::string> out;
  if (!fs::is_directory(folder_)) return out;
  for (const auto& item : fs::directory_iterator(folder_)) {
    std::string name = item.path().filename().string();
    if (is_bundle_id(name)) out.push_back(std::move(name));
  }
  std::sort(out.begin(), out.end(), std::greater<>());
  return out;
}

std::vector<BundleEntry> BundleStore::list() const {
  std::vector<BundleEntry> out;
  const auto now = current_or_nothing();
  const auto tried = trial_or_nothing();
  for (const std::string& id : ids()) {
    BundleEntry entry;
    entry.id = id;
    entry.is_current = now == id;
    entry.is_trial = tried && tried->id == id;
    try {
      const Manifest manifest = Manifest::load(folder_ / id);
      entry.created = manifest.created;
      entry.bytes = manifest.bytes();
    } catch (const Error& error) {
      entry.problem = error.message();  // a list shows a damaged bundle instead of failing on it
    }
    out.push_back(std::move(entry));
  }
  return out;
}

std::optional<std::string> BundleStore::current() const {
  const fs::path path = folder_ / "CURRENT";
  if (!fs::exists(path)) return std::nullopt;
  std::string text = read_file(path);
  const bool whole = !text.empty() && text.back() == '\n';
  if (whole) text.pop_back();
  if (!whole || !is_bundle_id(text)) {
    fail(ErrorCode::kCorrupt,
         "{}: holds no bundle id and line feed; run lodestone bundle rollback ID with one of lodestone bundle list",
         path.string());
  }
  return text;
}

std::optional<std::string> BundleStore::current_or_nothing() const {
  try {
    return current();
  } catch (const Error&) {
    return std::nullopt;  // asked by what must work when CURRENT is damaged: the way out of it
  }
}

std::optional<Trial> BundleStore::trial() const {
  const fs::path path = folder_ / "TRIAL";
  if (!fs::exists(path)) return std::nullopt;
  return parse_trial(read_file(path), path.string());
}

std::optional<Trial> BundleStore::trial_or_nothing() const {
  try {
    return trial();
  } catch (const Error&) {
    return std::nullopt;  // lists must work with a damaged file too
  }
}

void BundleStore::start_trial(const Trial& trial) const {
  (void)path_of(trial.id);
  const FileLock lock(folder_ / ".current.lock");
  if (current_or_nothing() == trial.id)
    fail(ErrorCode::kInvalidArgument, "bundle {} is the current one already; every visitor gets it", trial.id);
  write_file_atomic(folder_ / "TRIAL", format_trial(trial));
}

void BundleStore::end_trial() const {
  const FileLock lock(folder_ / ".current.lock");
  fs::remove(folder_ / "TRIAL");
}

fs::path BundleStore::path_of(const std::string& id) const {
  if (!is_bundle_id(id))
    fail(ErrorCode::kInvalidArgument, "\"{}\" is no bundle id; they look like b-20261124T093000Z-1a2b3c4d", id);
  fs::path path = folder_ / id;
  if (!fs::is_directory(path))
    fail(ErrorCode::kNotFound, "bundle {} is not in {}; lodestone bundle list shows what is", id, folder_.string());
  return path;
}

std::shared_ptr<const Bundle> BundleStore::open(const std::string& id, int n_threads) const {
  return Bundle::open(path_of(id), {.n_threads = n_threads, .onnx_library = onnx_library_});
}

std::shared_ptr<const Bundle> BundleStore::open_current() const {
  const auto id = current();
  if (!id)
    fail(ErrorCode::kNotFound, "{}: no bundle was published yet; lodestone pipeline run makes and publishes one",
         folder_.string());
  if (!fs::is_directory(folder_ / *id)) {
    fail(ErrorCode::kNotFound,
         "{}: names {}, which is not there; lodestone bundle rollback goes to the one before, bundle list shows what there is",
         (folder_ / "CURRENT").string(), *id);
  }
  return open(*id);
}

std::vector<std::string> BundleStore::history() const {
  std::vector<std::string> out;
  if (!fs::exists(folder_ / "HISTORY")) return out;
  LineReader reader(folder_ / "HISTORY");
  // A damaged line costs a way back, no more: what is left out here is still found by its age.
  for (std::string line; reader.next(line);) {
    if (is_bundle_id(line)) out.push_back(line);
  }
  return out;
}

void BundleStore::publish(const std::string& id) const {
  (void)path_of(id);  // before there is a lock file
  const FileLock lock(folder_ / ".current.lock");
  (void)open(id);
  std::vector<std::string> past = history();
  // What was published after the current one was rolled back: no way leads there again.
  const auto now = current_or_nothing();
  if (now) {
    past.erase(std::find(past.rbegin(), past.rend(), *now).base(), past.end());
    if (past.empty() || past.back() != *now) past.push_back(*now);
  }
  if (past.empty() || past.back() != id) past.push_back(id);
  if (past.size() > kHistoryLength) past.erase(past.begin(), past.end() - kHistoryLength);
  // HISTORY first: killed between the two, the current one is found in it with what was before it.
  write_file_atomic(folder_ / "HISTORY", join_lines(past));
  write_file_atomic(folder_ / "CURRENT", id + "\n");
}

std::vector<std::string> BundleStore::rollback_targets() const {
  std::vector<std::string> out;
  const auto now = current_or_nothing();
  const std::vector<std::string> past = history();
  const std::vector<std::string> all = ids();
  const auto add = [&](const std::string& id) {
    const bool there = std::binary_search(all.begin(), all.end(), id, std::greater<>());
    if (there && id != now && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
  };
  // Behind the current one in HISTORY lies what was rolled back; without a current one all of it is a way out.
  auto from = now ? std::find(past.rbegin(), past.rend(), *now) : past.rbegin();
  for (; from != past.rend(); ++from) add(*from);
  for (const std::string& id : all) {
    if (!now || id < *now) add(id);
  }
  return out;
}

std::optional<std::string> BundleStore::previous() const {
  const std::vector<std::string> targets = rollback_targets();
  return targets.empty() ? std::nullopt : std::optional(targets.front());
}

void BundleStore::point_at(const std::string& id) const {
  (void)open(id);
  write_file_atomic(folder_ / "CURRENT", id + "\n");
}

std::string BundleStore::rollback() const {
  check_folder();
  const FileLock lock(folder_ / ".current.lock");
  std::string target = find_rollback(std::nullopt);
  // HISTORY stays: the place of CURRENT in it is where the next rollback starts from.
  write_file_atomic(folder_ / "CURRENT", target + "\n");
  return target;
}

void BundleStore::check_folder() const {
  if (fs::is_directory(folder_)) return;
  fail(ErrorCode::kNotFound, "{}: there is no such folder; lodestone pipeline run makes it", folder_.string());
}

std::string BundleStore::find_rollback(const std::optional<std::string>& id) const {
  check_folder();
  if (id) {
    (void)open(*id);
    return *id;
  }
  std::string problem;
  for (const std::string& target : rollback_targets()) {
    try {
      (void)open(target);
      return target;
    } catch (const Error& error) {
      problem = "; " + error.message();  // going back must work, so a damaged bundle is passed over
    }
  }
  fail(ErrorCode::kNotFound, "{}: there is no sound bundle before {} to go back to{}", folder_.string(),
       current_or_nothing().value_or("CURRENT"), problem);
}

std::string BundleStore::rollback(const std::optional<std::string>& id) const {
  if (!id) return rollback();
  (void)path_of(*id);
  {
    const FileLock lock(folder_ / ".current.lock");
    const std::vector<std::string> targets = rollback_targets();
    if (std::find(targets.begin(), targets.end(), *id) != targets.end()) {
      point_at(*id);
      return *id;
    }
  }
  publish(*id);  // it was not there before the current one, so this is no way back but a new publication
  return *id;
}

std::vector<std::string> BundleStore::prune(std::size_t keep) const {
  std::vector<std::string> removed;
  if (!fs::is_directory(folder_)) return removed;
  const FileLock lock(folder_ / ".current.lock");
  const auto now = current();  // a damaged CURRENT may mean any bundle, so nothing is removed then
  const auto before = previous();
  const auto tried = trial();  // and a damaged TRIAL any too
  std::size_t place = 0;
  for (const std::string& id : ids()) {
    if (place++ < keep || id == now || id == before || (tried && id == tried->id)) continue;
    remove_folder(folder_ / id);
    removed.push_back(id);
  }
  return removed;
}

}  // namespace lodestone::bundle
