// Ctrl-C: the first asks the work to stop in order, the second ends the program.
#pragma once

namespace candor::harness {

/// Exit code of a program that was interrupted (128 + SIGINT), as shells expect it.
inline constexpr int kInterruptedExitCode = 130;

/// From construction to destruction SIGINT and SIGTERM set a flag instead of ending the program.
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  ~InterruptGuard();

  static bool requested() noexcept;
};

}  // namespace candor::harness
