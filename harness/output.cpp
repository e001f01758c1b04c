#include "harness/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace candor::harness {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

[[noreturn]] void fail(int error) {
  if (error == EPIPE)
    throw Error(ErrorKind::kCannotRun, "standard output", "closed by its reader before everything was written");
  throw Error(ErrorKind::kCannotRun, "standard output", std::strerror(error),
              error == ENOSPC ? "make room on the disk and run again" : "");
}

}  // namespace

std::string json_text_line(const Value& value) {
  std::string line = to_json(value);
  // Unicode's other line ends are legal inside JSON texts, but many readers cut lines there.
  constexpr std::pair<std::string_view, std::string_view> kLineEnds[] = {
      {"\xc2\x85", "\\u0085"}, {"\xe2\x80\xa8", "\\u2028"}, {"\xe2\x80\xa9", "\\u2029"}};
  for (const auto& [raw, escaped] : kLineEnds)
    for (std::size_t at = line.find(raw); at != std::string::npos; at = line.find(raw, at + escaped.size()))
      line.replace(at, raw.size(), escaped);
  return line + "\n";
}

void Output::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush();
}

void Output::json_line(const Value& value) {
  write(json_text_line(value));
}

void Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      buffer_.clear();
      fail(error);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

void Output::close() {
  flush();
  // Network and quota file systems report a full disk only here; pipes and terminals cannot be synced (EINVAL, EROFS).
  if (::fsync(STDOUT_FILENO) != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO)) fail(errno);
}

void OrderedOutput::put(std::size_t number, const Value& line) {
  waiting_.emplace(number, json_text_line(line));
  for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_; first = waiting_.begin()) {
    output_.write(first->second);
    waiting_.erase(first);
    ++next_;
  }
  if (const auto now = std::chrono::steady_clock::now(); now - flushed_ >= kPatience) {
    output_.flush();
    flushed_ = now;
  }
}

void OrderedOutput::close(bool interrupted) {
  CANDOR_CHECK(interrupted || waiting_.empty(), "results are missing");
  output_.close();
}

}  // namespace candor::harness
