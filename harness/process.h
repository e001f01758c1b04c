// Running another program, without a shell.
#pragma once

#include <string>
#include <vector>

namespace candor::harness {

struct ProcessResult {
  int exit_code = 0;   ///< 127: not found; 128 + n: ended by signal n.
  std::string errors;  ///< The last 4 KiB of what it wrote to standard error.
};

/// Runs a program found in PATH and waits for its end. Standard input is empty, standard output discarded.
/// @throws Error{kCannotRun} if no process could be made.
ProcessResult run_process(const std::vector<std::string>& arguments);

}  // namespace candor::harness
