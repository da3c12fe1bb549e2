#pragma once
// The file of a bundle that its online state begins with. Internal to this folder.

#include "base/tensor_file.hpp"
#include "features/online_state.hpp"

namespace lodestone::bundle {

inline constexpr std::string_view kOnlineFile = "online.safetensors";

void save_online_snapshot(const features::OnlineSnapshot& snapshot, const fs::path& path);

/// Throws corrupt for a file from which no OnlineState could begin.
features::OnlineSnapshot load_online_snapshot(const TensorFile& file);

}  // namespace lodestone::bundle
