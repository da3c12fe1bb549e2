#pragma once
// One list that was shown, as serving notes it: packed into bytes where the request runs, which takes well below a microsecond, and made
// the JSON of the exposure log by the thread that writes it (docs/formats/exposures.md).

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "engine/page.hpp"
#include "serving/request_origin.hpp"

namespace lodestone::serving {

/// Texts are views that need to live during pack_exposure() only; "" = null in the log.
struct Exposure {
  TimePoint at;
  std::string_view request_id;
  std::optional<UserId> user = {};
  std::string_view visitor_id = {};
  std::optional<ItemId> page = {};  ///< the data set of the page
  std::string_view algorithm_version = {};
  std::string_view endpoint = {};
  std::string_view slot = {};  ///< of a page of several lists
  std::string_view variant = {};
  std::string_view experiment_variant = {};
  std::string_view degrade_reason = {};
  RequestOrigin origin = {};
  std::string_view model_run_id = {};
  std::string_view feature_snapshot_id = {};
  std::span<const std::string> external_names = {};  ///< of the channels outside of the engine, by number
};

/// What was shown, in order.
struct ExposedItems {
  const models::Catalog& catalog;
  std::span<const engine::PageItem> items;
  std::string_view text = {};  ///< the items as append_exposed() has them, where somebody wrote that before; "" = not
};

/// The record lies in `buffer`, which grows to the longest and is never shortened.
std::string_view pack_exposure(const Exposure& exposure, const ExposedItems& items, std::string& buffer);

/// Appends the member `items` of a line: a list of which many are shown has the same in all of them.
void append_exposed(std::string& out, const ExposedItems& items, std::span<const std::string> external_names);

/// Appends a packed exposure as one line of JSON, its line end included.
void append_exposure(std::string& out, std::string_view record);

}  // namespace lodestone::serving
