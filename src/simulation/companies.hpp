#pragma once
// Companies: one of each topic in each province, and the owners of a catalogue's data sets.

#include <cstdint>
#include <string>

#include "simulation/items.hpp"

namespace lodestone::simulation {

/// "广东省金融科技有限公司".
std::string company_name(std::size_t province, std::size_t topic);

/// Id of that company, from 1.
std::int64_t company_id(std::size_t province, std::size_t topic);

/// Writes all companies: those of provinces and topics, then the owners that occur in the items and have another name.
void write_companies(const Items& items, std::uint64_t seed, Seconds start, TableWriter& out);

}  // namespace lodestone::simulation
