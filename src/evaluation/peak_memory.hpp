#pragma once
// Resident memory of this process at its highest, for the rows of an evaluation. From /proc, so Linux alone.

namespace lodestone::evaluation {

/// Sets the kernel's high-water mark back to now (clear_refs 5); where that is not allowed the mark of the whole run stands.
void reset_peak_memory();

/// The mark, in MiB.
double peak_memory_mib();

}  // namespace lodestone::evaluation
