#pragma once
// The rules of the operator (docs/rules.md): a YAML file, watched while the server runs.

#include <optional>
#include <string>
#include <string_view>

#include "engine/rules.hpp"
#include "serving/file_follower.hpp"
#include "serving/release_holder.hpp"
#include "serving/serving_metrics.hpp"

namespace lodestone::serving {

/// Throws invalid_argument with all errors, each with key path and line.
engine::RuleBook parse_rules(std::string_view text, std::string_view name);

/// look() belongs to one thread at a time.
class RulesFile {
 public:
  /// `path` "" = there are no rules.
  RulesFile(fs::path path, ReleaseHolder& releases, ServingMetrics& metrics)
      : file_("rules", std::move(path)), releases_(&releases), metrics_(&metrics) {}

  /// Reads the file if it is another one than at the last look and gives it to the releases. A file with errors changes nothing; one that is gone
  /// ends all rules.
  void look();
  /// Why the file as it is does not hold; none when all is well.
  [[nodiscard]] std::optional<std::string> problem() const { return file_.problem(); }
  /// Notes each later reading there; must outlive this.
  void set_audit(AuditLog& audit) { file_.set_audit(audit); }

 private:
  FileFollower file_;
  ReleaseHolder* releases_;
  ServingMetrics* metrics_;
};

}  // namespace lodestone::serving
