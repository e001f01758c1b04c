// Progress on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "engine/language_model.h"

namespace candor::harness {

/// A terminal sees one line that is rewritten: bar, tokens computed of those planned, rate, time left. A file or pipe
/// sees a plain line at most every 10 seconds.
class Progress {
 public:
  enum class Mode { kOff, kPlain, kTerminal };

  /// kOff if `quiet`, else by what standard error is.
  static Mode mode(bool quiet);

  Progress(std::string label, Mode mode);
  Progress(const Progress&) = delete;
  ~Progress();

  void update(const engine::Usage& usage);

 private:
  std::string label_;
  Mode mode_;
  std::chrono::steady_clock::time_point start_, shown_;
  bool line_open_ = false;
};

/// "scoring  [#####.....]  12,345 of 24,690 tokens  4,115 tokens/s  3 s left"
/// @param width  columns; 0: as long as it gets, without a bar.
std::string progress_line(const std::string& label, const engine::Usage& usage, double seconds, int width);

/// 1234567 -> "1,234,567"
std::string with_commas(std::uint64_t number);
/// "12 s", "3 min 20 s", "2 h 5 min"
std::string duration(double seconds);

}  // namespace candor::harness
