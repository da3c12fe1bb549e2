#include "evaluation/dataset_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/yaml.hpp"
#include "evaluation/dataset_words.hpp"
#include "evaluation/record_reader.hpp"

namespace lodestone::evaluation {
namespace {

template <typename Enum, std::size_t N>
Enum read_word(const Yaml& node, const std::array<Word<Enum>, N>& words, Enum fallback) {
  if (!node.is_defined()) return fallback;
  const std::string text = node.as_string("");
  if (const Enum* value = find_word(words, text)) return *value;
  if (node.is_scalar()) {
    const std::vector<std::string> texts = texts_of(words);
    const std::string near = nearest_name(text, texts);
    node.error(near.empty() ? fmt::format("\"{}\" is none of {}", text, fmt::join(texts, ", "))
                            : fmt::format("\"{}\" is unknown; did you mean \"{}\"?", text, near));
  }
  return fallback;
}

template <typename T>
bool contains(const std::vector<T>& values, T value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

/// The columns without which a part says nothing.
std::vector<Column> needed_columns(Kind kind, const FileSpec& file, const Protocol& protocol) {
  if (file.format != Format::kTable && file.format != Format::kJsonl) return {};
  if (file.part == Part::kItems) return {Column::kItem};
  if (file.part == Part::kUsers) return {Column::kUser};
  if (file.part == Part::kTruth && kind == Kind::kTextSearch && file.format == Format::kJsonl)
    return {Column::kQuery, Column::kRelevant};
  if (file.part == Part::kTruth) return {Column::kQuery, Column::kItem};
  std::vector<Column> needed{kind == Kind::kSessions ? Column::kSession : Column::kUser, Column::kItem};
  const bool by_time = protocol.split == Split::kTime || (protocol.split == Split::kPerUser && protocol.by == PerUserBy::kTime);
  if (by_time || (protocol.split == Split::kLeaveOneOut && kind == Kind::kInteractions)) needed.push_back(Column::kAt);
  if (protocol.value_min) needed.push_back(Column::kValue);
  return needed;
}

class SpecReader {
 public:
  SpecReader(const Yaml& root, const fs::path& file) : root_(root) { spec_.file = file; }

  DatasetSpec read() {
    root_.only({"version", "name", "kind", "files", "protocol"});
    if (root_.require("version").as_int(1, 1, 1) != 1) return spec_;
    spec_.name = root_.require("name").as_string("");
    if (spec_.name.empty() && root_.get("name").is_defined()) root_.get("name").error("must not be empty");
    spec_.kind = read_word(root_.require("kind"), kKinds, Kind::kInteractions);
    rules_ = rules_of(spec_.kind);
    const Yaml files = root_.require("files");
    if (files.is_defined()) files.only(texts_of(kParts));
    for (const auto& word : kParts) {
      if (files.get(word.text).is_defined()) read_file_entry(files.get(word.text), word.value);
    }
    read_protocol(root_.require("protocol"));
    check_parts(files);
    for (FileSpec& f : spec_.files) finish_columns(f);
    return spec_;
  }

 private:
  void read_file_entry(const Yaml& node, Part part) {
    FileSpec f;
    f.part = part;
    f.line = node.line();
    node.only({"path", "format", "delimiter", "columns", "tag_separator", "prefix_order", "groups", "distance"});
    const std::string path = node.require("path").as_string("");
    if (path.empty() && node.get("path").is_defined()) node.get("path").error("must not be empty");
    f.path = spec_.file.parent_path() / path;
    f.format = read_word(node.require("format"), kFormats, Format::kTable);
    const bool content = part == Part::kItems || part == Part::kUsers || (part == Part::kTruth && spec_.kind != Kind::kVectors);
    const bool fits = content ? f.format == Format::kTable || f.format == Format::kJsonl : contains(rules_.formats, f.format);
    if (!fits && node.get("format").is_defined()) {
      node.get("format").error(
          fmt::format("a {} part of kind {} cannot be {}", name_of(part), name_of(spec_.kind), name_of(f.format)));
    }
    const bool comma = path.ends_with(".csv") || path.ends_with(".csv.gz");
    const std::string delimiter = node.get("delimiter").as_string(comma ? "," : "\t");
    if (delimiter.size() == 1 && delimiter != "\"" && delimiter != "\n") {
      f.delimiter = delimiter[0];
    } else {
      node.get("delimiter").error("must be one character that is neither a quote nor a line end");
    }
    f.tag_separator = node.get("tag_separator").as_string("");
    f.prefix_order = read_word(node.get("prefix_order"), kPrefixOrders, PrefixOrder::kOldestFirst);
    if (f.format == Format::kSvmlight) f.groups = spec_.file.parent_path() / node.require("groups").as_string("");
    if (spec_.kind == Kind::kVectors && part == Part::kTruth) read_distance(node.require("distance"), f);
    read_columns(node.get("columns"), f);
    spec_.files.push_back(std::move(f));
  }

  static void read_distance(const Yaml& node, FileSpec& f) {
    f.distance = node.as_string("");
    if (node.is_defined() && f.distance != "cosine" && f.distance != "ip" && f.distance != "l2") {
      node.error(fmt::format("\"{}\" is none of cosine, ip, l2", f.distance));
    }
  }

  static void read_columns(const Yaml& node, FileSpec& f) {
    if (!node.is_defined()) return;
    node.only(texts_of(kColumns));
    if (f.format != Format::kTable && f.format != Format::kJsonl) {
      node.error(fmt::format("the format {} has no columns; only table and jsonl do", name_of(f.format)));
      return;
    }
    for (const auto& word : kColumns) {
      const Yaml child = node.get(word.text);
      if (!child.is_defined()) continue;
      const std::string source = child.as_string("");
      if (source.empty()) child.error("must name a column");
      f.columns.push_back({word.value, source, child.line()});
    }
  }

  /// A column that must be there and is not mapped stands under its own name.
  void finish_columns(FileSpec& f) {
    for (const Column column : needed_columns(spec_.kind, f, spec_.protocol)) {
      if (f.find(column) == nullptr) f.columns.push_back({column, std::string(name_of(column)), 0});
    }
  }

  void read_protocol(const Yaml& node) {
    Protocol& p = spec_.protocol;
    if (!node.is_defined()) return;
    node.only({"split", "tune_on", "hide", "k", "metrics", "folds", "seed", "fraction", "by", "value_min", "until", "valid_until",
               "candidates"});
    p.split = read_word(node.require("split"), kSplits, Split::kGiven);
    if (!contains(rules_.splits, p.split)) {
      std::vector<std::string_view> names;
      for (const Split s : rules_.splits) names.push_back(name_of(s));
      node.get("split").error(fmt::format("kind {} cannot be split by {}, only by {}", name_of(spec_.kind), name_of(p.split),
                                          fmt::join(names, ", ")));
    }
    read_tuning(node);
    read_measures(node);
    p.folds = static_cast<int>(node.get("folds").as_int(5, 2, 1000));
    p.seed = static_cast<std::uint64_t>(node.get("seed").as_int(1, 0, INT64_MAX));
    p.fraction = node.get("fraction").as_double(0.8);
    if (!(p.fraction > 0 && p.fraction < 1)) node.get("fraction").error("must lie between 0 and 1");
    p.by = read_word(node.get("by"), kPerUserBys, PerUserBy::kHash);
    if (node.get("value_min").is_defined()) p.value_min = node.get("value_min").as_double(0);
    p.until = read_time(node.get("until"));
    p.valid_until = read_time(node.get("valid_until"));
    if (p.split == Split::kTime) (void)node.require("until");
    if (p.until && p.valid_until && *p.valid_until >= *p.until) node.get("valid_until").error("must lie before until");
    p.candidates = read_word(node.get("candidates"), kCandidates, Candidates::kAll);
  }

  void read_tuning(const Yaml& node) {
    Protocol& p = spec_.protocol;
    if (const Yaml tune = node.get("tune_on"); tune.is_defined()) {
      p.tune_on_valid = true;
      if (tune.as_string("") != "valid") {
        tune.error(fmt::format("\"{}\" cannot be tuned on; valid is the one part to tune on", tune.text()));
      } else if (p.split == Split::kGiven && spec_.find(Part::kValid) == nullptr) {
        tune.error("there is no files.valid");
      }
    }
    const Yaml hide = node.get("hide");
    if (hide.is_defined()) {
      for (const std::string& text : hide.as_strings()) {
        const Part* part = find_word(kParts, text);
        if (part == nullptr || (*part != Part::kTrain && *part != Part::kValid)) {
          hide.error(fmt::format("\"{}\" cannot be hidden; train and valid can", text));
        } else {
          p.hide.push_back(*part);
        }
      }
    } else if (spec_.kind == Kind::kInteractions || spec_.kind == Kind::kSequences) {
      p.hide = {Part::kTrain};
      if (p.split == Split::kLeaveOneOut) p.hide.push_back(Part::kValid);
    }
  }

  void read_measures(const Yaml& node) {
    Protocol& p = spec_.protocol;
    if (const Yaml k = node.get("k"); k.is_defined()) {
      p.k.clear();
      for (const std::string& text : k.as_strings()) {
        std::size_t value = 0;
        const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (code != std::errc() || end != text.data() + text.size() || value < 1 || value > 10'000) {
          k.error(fmt::format("\"{}\" is no cut-off; expected whole numbers in 1..10000", text));
        } else if (!contains(p.k, value)) {
          p.k.push_back(value);
        }
      }
      if (p.k.empty() && k.as_strings().empty()) k.error("must hold at least one cut-off");
    }
    const Yaml metrics = node.require("metrics");
    if (!metrics.is_defined()) return;
    std::vector<std::string> names;
    for (const Metric m : rules_.metrics) names.emplace_back(name_of(m));
    for (const std::string& text : metrics.as_strings()) {
      const Metric* metric = find_word(kMetrics, text);
      if (metric == nullptr || !contains(rules_.metrics, *metric)) {
        const std::string near = metric == nullptr ? nearest_name(text, names) : "";
        metrics.error(near.empty() ? fmt::format("\"{}\" is no metric of kind {}; it has {}", text, name_of(spec_.kind),
                                                 fmt::join(names, ", "))
                                   : fmt::format("\"{}\" is unknown; did you mean \"{}\"?", text, near));
      } else if (!contains(p.metrics, *metric)) {
        p.metrics.push_back(*metric);
      }
    }
    if (metrics.as_strings().empty()) metrics.error("must hold at least one metric");
  }

  static std::optional<double> read_time(const Yaml& node) {
    if (!node.is_defined()) return std::nullopt;
    const std::string text = node.as_string("");
    double epoch = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), epoch);
    if (code == std::errc() && end == text.data() + text.size() && std::isfinite(epoch)) return epoch;
    if (const auto at = parse_time(text)) return static_cast<double>(at->time_since_epoch().count()) * 1e-6;
    node.error(fmt::format("\"{}\" is neither epoch seconds nor a date", text));
    return std::nullopt;
  }

  void check_parts(const Yaml& files) {
    if (!files.is_defined()) return;
    const auto missing = [&](std::string_view name, std::string_view why) {
      files.get(name).error(fmt::format("is missing; {}", why));
    };
    if (spec_.protocol.split == Split::kGiven) {
      for (const Part part : rules_.given) {
        if (spec_.find(part) == nullptr)
          missing(name_of(part), fmt::format("kind {} with split given needs it", name_of(spec_.kind)));
      }
      if ((spec_.find(Part::kTuneTrain) == nullptr) != (spec_.find(Part::kTuneValid) == nullptr)) {
        missing(spec_.find(Part::kTuneTrain) == nullptr ? "tune_train" : "tune_valid", "tune_train and tune_valid go together");
      }
    } else if (spec_.find(Part::kEvents) == nullptr && spec_.find(Part::kTrain) == nullptr) {
      missing("events", fmt::format("split {} cuts it", name_of(spec_.protocol.split)));
    } else {
      check_order(files);
    }
    for (const FileSpec& f : spec_.files) {
      const bool asks = f.part == Part::kValid || f.part == Part::kTest || f.part == Part::kTuneValid;
      if (f.format == Format::kPrefixTarget && !asks) {
        files.get(name_of(f.part)).get("format").error("prefix-target holds test cases; it cannot be fitted on");
      }
    }
  }

  /// A split by order needs data that has one.
  void check_order(const Yaml& files) {
    const FileSpec& cut = spec_.cut_part();
    const Protocol& p = spec_.protocol;
    const bool by_time = p.split == Split::kTime || (p.split == Split::kPerUser && p.by == PerUserBy::kTime);
    if (by_time && cut.format != Format::kTable && cut.format != Format::kJsonl &&
        !(p.split == Split::kPerUser && cut.format == Format::kSequences)) {
      files.get(name_of(cut.part)).get("format").error(fmt::format("{} holds no times to split by", name_of(cut.format)));
    }
    if (p.split == Split::kLeaveOneOut && cut.format == Format::kAdjacency) {
      files.get(name_of(cut.part))
          .get("format")
          .error("adjacency has no order, and leave-one-out takes the last item; write sequences if there is one");
    }
  }

  const Yaml& root_;
  DatasetSpec spec_;
  KindRules rules_;
};

DatasetSpec parse(std::string_view text, const fs::path& file, YamlErrors& errors) {
  const Yaml root = Yaml::parse(text, errors);
  if (!root.is_map()) fail(ErrorCode::kInvalidArgument, "{}: holds no map of keys; it begins with version: 1", file.string());
  return SpecReader(root, file).read();
}

void check_columns(const FileSpec& file, YamlErrors& errors) {
  if (file.format != Format::kTable && file.format != Format::kJsonl) return;
  const std::vector<std::string> names = source_names(file);
  for (const ColumnSource& column : file.columns) {
    if (contains(names, column.source)) continue;
    const std::string near = nearest_name(column.source, names);
    errors.add(
        fmt::format("files.{}.columns.{}", name_of(file.part), name_of(column.column)), column.line > 0 ? column.line : file.line,
        fmt::format("column \"{}\" is not in {}; {}", column.source, file.path.filename().string(),
                    near.empty() ? fmt::format("it has {}", fmt::join(names, ", ")) : fmt::format("did you mean \"{}\"?", near)));
  }
}

}  // namespace

const ColumnSource* FileSpec::find(Column column) const {
  const auto it = std::find_if(columns.begin(), columns.end(), [&](const ColumnSource& c) { return c.column == column; });
  return it == columns.end() ? nullptr : &*it;
}

const FileSpec* DatasetSpec::find(Part part) const {
  const auto it = std::find_if(files.begin(), files.end(), [&](const FileSpec& f) { return f.part == part; });
  return it == files.end() ? nullptr : &*it;
}

const FileSpec& DatasetSpec::cut_part() const {
  const FileSpec* part = find(Part::kEvents) != nullptr ? find(Part::kEvents) : find(Part::kTrain);
  LODESTONE_ASSERT(part != nullptr, "{} has neither events nor train", name);
  return *part;
}

DatasetSpec parse_dataset_spec(std::string_view text, const fs::path& file) {
  YamlErrors errors(file.string());
  DatasetSpec spec = parse(text, file, errors);
  errors.throw_if_any();
  return spec;
}

DatasetSpec load_dataset_spec(const fs::path& data) {
  const fs::path file = fs::is_directory(data) ? data / "dataset.yaml" : data;
  if (!fs::exists(file)) {
    fail(ErrorCode::kNotFound, "{}: there is no such file; --data takes a folder with dataset.yaml, or a dataset file",
         file.string());
  }
  YamlErrors errors(file.string());
  DatasetSpec spec = parse(read_file(file), file, errors);
  for (const FileSpec& f : spec.files) {
    const std::string key = fmt::format("files.{}", name_of(f.part));
    const auto check = [&](const fs::path& path, std::string_view name) {
      if (path.empty() || fs::is_regular_file(path)) return true;
      errors.add(fmt::format("{}.{}", key, name), f.line, fmt::format("{} is not there", path.string()));
      return false;
    };
    if (check(f.path, "path")) check_columns(f, errors);
    (void)check(f.groups, "groups");
  }
  errors.throw_if_any();
  return spec;
}

}  // namespace lodestone::evaluation
