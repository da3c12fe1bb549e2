#pragma once
// A name with two addresses, whatever the machine's resolver says.

namespace lodestone::test {

/// Resolves to ::1 and then to 127.0.0.1 in a test that links two_addresses.cpp. A ScriptedServer listens on the second alone.
inline constexpr const char* kTwoAddresses = "two-addresses.test";

}  // namespace lodestone::test
