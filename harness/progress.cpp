#include "harness/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace candor::harness {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTerminalInterval = std::chrono::milliseconds(100);
constexpr auto kPlainInterval = std::chrono::seconds(10);

int terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double share, int width) {
  const int filled = static_cast<int>(std::lround(share * width));
  return "[" + std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(width - filled), '.') + "]";
}

}  // namespace

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t place = digits.size(); place > 3; place -= 3) digits.insert(place - 3, ",");
  return digits;
}

std::string duration(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_line(const std::string& label, const engine::Usage& usage, double seconds, int width) {
  const double done = static_cast<double>(usage.tokens_computed);
  const double all = static_cast<double>(usage.tokens_total);
  const double rate = seconds > 0.0 ? done / seconds : 0.0;
  std::string text = fmt::format("{} of {} tokens", with_commas(usage.tokens_computed),
                                 with_commas(std::max(usage.tokens_computed, usage.tokens_total)));
  if (rate >= 1.0) {
    text += fmt::format("  {} tokens/s", with_commas(static_cast<std::uint64_t>(rate)));
    if (all > done) text += fmt::format("  {} left", duration((all - done) / rate));
  }
  const int room = width - static_cast<int>(label.size() + text.size()) - 7;
  if (room < 5) return label + "  " + text;
  const double share = all > 0.0 ? std::min(1.0, done / all) : 0.0;
  return label + "  " + bar(share, std::min(room, 30)) + "  " + text;
}

Progress::Mode Progress::mode(bool quiet) {
  if (quiet) return Mode::kOff;
  return ::isatty(STDERR_FILENO) == 1 ? Mode::kTerminal : Mode::kPlain;
}

Progress::Progress(std::string label, Mode mode)
    : label_(std::move(label)), mode_(mode), start_(Clock::now()), shown_(start_) {}

Progress::~Progress() {
  if (line_open_) std::fputs("\r\x1b[K", stderr);
}

void Progress::update(const engine::Usage& usage) {
  if (mode_ == Mode::kOff) return;
  const Clock::time_point now = Clock::now();
  const bool terminal = mode_ == Mode::kTerminal;
  if (now - shown_ < (terminal ? Clock::duration(kTerminalInterval) : Clock::duration(kPlainInterval))) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (terminal) {
    std::fprintf(stderr, "\r\x1b[K%s", progress_line(label_, usage, seconds, terminal_columns()).c_str());
    std::fflush(stderr);
    line_open_ = true;
  } else {
    std::fprintf(stderr, "%s\n", progress_line(label_, usage, seconds, 0).c_str());
  }
}

}  // namespace candor::harness
