// The program: finds the command and runs it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace candor::harness {

std::string_view version();

/// @param arguments  without the program's name.
/// @returns the exit code: 0 done, 130 interrupted.
/// @throws Error (exit codes 2, 3, 4)
int run_program(std::span<const std::string> arguments);

}  // namespace candor::harness
