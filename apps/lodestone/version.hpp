#pragma once
// The version of the program: the project's in CMakeLists.txt, handed in by the build.

namespace lodestone::app {

inline constexpr const char* kVersion = LODESTONE_VERSION;

}  // namespace lodestone::app
