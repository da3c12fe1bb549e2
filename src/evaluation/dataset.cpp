#include "evaluation/dataset.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>

#include "base/error.hpp"
#include "evaluation/record_reader.hpp"

namespace lodestone::evaluation {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The words of a line, parted by blanks (tabs count).
void split_words(std::string_view line, std::vector<std::string_view>& out) {
  out.clear();
  std::size_t at = 0;
  while (at < line.size()) {
    const std::size_t begin = line.find_first_not_of(" \t", at);
    if (begin == std::string_view::npos) return;
    at = std::min(line.find_first_of(" \t", begin), line.size());
    out.push_back(line.substr(begin, at - begin));
  }
}

class Loader {
 public:
  explicit Loader(DatasetSpec spec) { data_.spec = std::move(spec); }

  Dataset load() {
    for (const FileSpec& file : data_.spec.files) load_part(file);
    number();
    return std::move(data_);
  }

 private:
  void load_part(const FileSpec& file) {
    switch (file.part) {
      case Part::kItems: load_items(file); break;
      case Part::kUsers: break;  // attributes of users; no method here looks at them
      case Part::kTruth: load_truth(file); break;
      case Part::kTrain:
      case Part::kValid:
      case Part::kTest:
      case Part::kTuneTrain:
      case Part::kTuneValid:
      case Part::kEvents:
      case Part::kBase:
      case Part::kQuery:
        if (file.format == Format::kPrefixTarget) {
          load_cases(file);
        } else if (file.format == Format::kTable || file.format == Format::kJsonl) {
          load_table(file);
        } else {
          load_lines(file);
        }
        break;
    }
  }

  void load_table(const FileSpec& file) {
    Events& events = data_.events[file.part];
    const bool sessions = data_.spec.kind == Kind::kSessions;
    RecordReader reader(file, {sessions ? Column::kSession : Column::kUser, Column::kItem, Column::kAt, Column::kValue});
    const bool has_time = file.find(Column::kAt) != nullptr;
    const bool has_value = file.find(Column::kValue) != nullptr;
    Vocabulary own;
    std::vector<std::string> f;
    while (reader.next(f)) {
      if (f[0].empty() || f[1].empty()) {
        fail(ErrorCode::kCorrupt, "{}: the {} is empty; every row needs one", reader.where(),
             f[0].empty() ? (sessions ? "session" : "user") : "item");
      }
      events.users.push_back(sessions ? own.add(f[0]) : users_.add(f[0]));
      events.items.push_back(items_.add(f[1]));
      if (has_time) events.times.push_back(parse_number(f[2], Column::kAt, reader.where()));
      if (has_value) events.values.push_back(static_cast<float>(parse_number(f[3], Column::kValue, reader.where())));
    }
  }

  /// adjacency, sequences, session-items.
  void load_lines(const FileSpec& file) {
    Events& events = data_.events[file.part];
    LineReader lines(file.path);
    std::vector<std::string_view> words;
    const bool has_id = file.format != Format::kSessionItems;
    std::int32_t session = 0;
    for (std::string line; lines.next(line);) {
      split_words(line, words);
      if (words.empty()) continue;
      if (file.format == Format::kAdjacency &&
          !std::all_of(words.begin(), words.end(), [](std::string_view w) { return whole_number(w).has_value(); })) {
        fail(ErrorCode::kCorrupt,
             "{}:{}: holds an id that is no whole number, which adjacency wants; write a table for other ids", file.path.string(),
             lines.line_number());
      }
      const std::int32_t user = has_id && data_.spec.kind != Kind::kSessions ? users_.add(words[0]) : session++;
      for (std::size_t k = has_id ? 1 : 0; k < words.size(); ++k) {
        events.users.push_back(user);
        events.items.push_back(items_.add(words[k]));
      }
    }
  }

  void load_cases(const FileSpec& file) {
    PrefixCases& cases = data_.cases[file.part];
    LineReader lines(file.path);
    std::vector<std::string_view> words;
    std::vector<ItemIndex> prefix;
    for (std::string line; lines.next(line);) {
      if (line.empty()) continue;
      const std::size_t tab = line.find('\t');
      split_words(std::string_view(line).substr(tab == std::string::npos ? line.size() : tab), words);
      if (tab == 0 || words.empty()) {
        fail(ErrorCode::kCorrupt, "{}:{}: expected a target, a tab and at least one item", file.path.string(),
             lines.line_number());
      }
      prefix.clear();
      for (const std::string_view word : words) prefix.push_back(items_.add(word));
      if (file.prefix_order == PrefixOrder::kNewestFirst) std::reverse(prefix.begin(), prefix.end());
      cases.prefixes.add(prefix);
      cases.targets.push_back(items_.add(std::string_view(line).substr(0, tab)));
    }
  }

  void load_items(const FileSpec& file) {
    RecordReader reader(file, {Column::kItem, Column::kTitle, Column::kDescription, Column::kTags, Column::kOwner});
    std::vector<std::string> f;
    while (reader.next(f)) {
      if (f[0].empty()) continue;  // an item without an id cannot be asked for
      models::Item item;
      item.title = f[1];
      item.description = f[2];
      item.tags = split_list(f[3], file.tag_separator);
      item.company = f[4];
      const auto number = static_cast<std::size_t>(items_.add(f[0]));
      if (texts_.size() <= number) texts_.resize(number + 1);
      texts_[number] = std::move(item);
    }
    has_texts_ = true;
  }

  void load_truth(const FileSpec& file) {
    const bool search = data_.spec.kind == Kind::kTextSearch;
    const bool lists = search && file.format == Format::kJsonl;
    RecordReader reader(file, {Column::kQuery, lists ? Column::kRelevant : Column::kItem, Column::kGroup, Column::kValue});
    const bool has_value = data_.spec.protocol.value_min.has_value() && file.find(Column::kValue) != nullptr;
    Vocabulary subjects;
    std::vector<std::string> f;
    while (reader.next(f)) {
      if (f[0].empty() || f[1].empty()) continue;  // a query without an answer asks nothing
      if (has_value && parse_number(f[3], Column::kValue, reader.where()) < *data_.spec.protocol.value_min) continue;
      const std::int32_t subject = subjects.add(f[2] + kListSeparator + f[0]);
      if (search && static_cast<std::size_t>(subject) == data_.queries.size()) data_.queries.push_back(f[0]);
      const ItemIndex query = search ? 0 : items_.add(f[0]);
      for (const std::string& item :
           lists ? split_list(f[1], std::string_view(&kListSeparator, 1)) : std::vector<std::string>{f[1]}) {
        data_.truth.push_back({subject, query, items_.add(item)});
      }
    }
  }

  /// Puts the final numbers in place of those in order of arrival.
  void number() {
    const std::vector<std::int32_t> item = items_.finish();
    const std::vector<std::int32_t> user = users_.finish();
    data_.n_items = items_.size();
    data_.n_users = users_.size();
    const auto renumber = [](std::vector<std::int32_t>& numbers, const std::vector<std::int32_t>& to) {
      for (std::int32_t& n : numbers) n = to[static_cast<std::size_t>(n)];
    };
    for (auto& [part, events] : data_.events) {
      renumber(events.items, item);
      if (data_.spec.kind != Kind::kSessions) renumber(events.users, user);
    }
    for (auto& [part, cases] : data_.cases) {
      renumber(cases.prefixes.items, item);
      renumber(cases.targets, item);
    }
    for (TruthRow& row : data_.truth) {
      row.query = row.query < static_cast<ItemIndex>(item.size()) ? item[static_cast<std::size_t>(row.query)] : 0;
      row.item = item[static_cast<std::size_t>(row.item)];
    }
    if (!has_texts_) return;
    data_.texts.resize(data_.n_items);
    for (std::size_t i = 0; i < data_.n_items; ++i) data_.texts[i].id = ItemId(static_cast<std::int64_t>(i));
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      models::Item& to = data_.texts[static_cast<std::size_t>(item[i])];
      if (!to.title.empty() && texts_[i].title.empty()) continue;
      const ItemId id = to.id;
      to = std::move(texts_[i]);
      to.id = id;
    }
  }

  Dataset data_;
  Vocabulary items_;
  Vocabulary users_;
  std::vector<models::Item> texts_;  ///< by number of arrival
  bool has_texts_ = false;
};

}  // namespace

std::int32_t Vocabulary::add(std::string_view id) {
  if (const auto it = numbers_.find(id); it != numbers_.end()) return it->second;
  const auto number = static_cast<std::int32_t>(ids_.size());
  numbers_.emplace(std::string(id), number);
  ids_.emplace_back(id);
  return number;
}

std::vector<std::int32_t> Vocabulary::finish() {
  std::vector<std::int64_t> values;
  for (const std::string& id : ids_) {
    const auto value = whole_number(id);
    if (!value) break;
    values.push_back(*value);
  }
  const bool numeric = values.size() == ids_.size();
  std::vector<std::int32_t> order(ids_.size());
  std::iota(order.begin(), order.end(), 0);
  const auto less = [&](std::int32_t a, std::int32_t b) {
    const auto i = static_cast<std::size_t>(a);
    const auto j = static_cast<std::size_t>(b);
    return numeric ? values[i] < values[j] : ids_[i] < ids_[j];
  };
  std::stable_sort(order.begin(), order.end(), less);
  std::vector<std::int32_t> to(ids_.size());
  std::vector<std::string> sorted;
  for (std::size_t k = 0; k < order.size(); ++k) {
    if (k == 0 || less(order[k - 1], order[k])) sorted.push_back(ids_[static_cast<std::size_t>(order[k])]);
    to[static_cast<std::size_t>(order[k])] = static_cast<std::int32_t>(sorted.size()) - 1;
  }
  ids_ = std::move(sorted);
  numbers_.clear();
  return to;
}

Dataset load_dataset(DatasetSpec spec) { return Loader(std::move(spec)).load(); }

}  // namespace lodestone::evaluation
