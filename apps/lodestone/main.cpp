// lodestone: reads the arguments, runs one verb, and turns a failure into one sentence and an exit code.

#include <cstdio>
#include <exception>

#include "base/error.hpp"
#include "cli.hpp"

int main(int argc, char** argv) {
  try {
    return lodestone::app::run_command_line(argc, argv);
  } catch (const lodestone::Error& error) {
    std::fprintf(stderr, "lodestone: %s\n", error.message().c_str());
    return lodestone::exit_code(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lodestone: %s\n", error.what());
    return 1;
  }
}
