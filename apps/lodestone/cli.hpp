#pragma once
// The command line: arguments -> options of one verb -> its run. The only file that knows the argument parser is cli.cpp.

namespace lodestone::app {

/// Parses and runs; returns the exit code. Throws Error for what a verb throws.
int run_command_line(int argc, const char* const* argv);

}  // namespace lodestone::app
