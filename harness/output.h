// Standard output, with every write checked.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "base/value.h"

namespace candor::harness {

/// Buffers up to 64 KiB. @throws Error{kCannotRun} on a full disk or when the reader has closed the pipe.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;

  void write(std::string_view text);
  void json_line(const Value& value);
  /// What is buffered goes out now.
  void flush();
  /// Flushes, and makes sure that the file system took everything. Call at the end: a destructor cannot report.
  void close();

 private:
  std::string buffer_;
};

/// A line of JSON Lines that every reader takes for one line: U+0085, U+2028 and U+2029 are escaped.
std::string json_text_line(const Value& value);

/// Lines that become ready in any order and leave in the order of their numbers, as soon as they can.
class OrderedOutput {
 public:
  void put(std::size_t number, const Value& line);
  /// All numbers from 0 on were put, unless the work was `interrupted`: then lines behind a gap are not written.
  void close(bool interrupted = false);

 private:
  static constexpr std::chrono::milliseconds kPatience{500};  // a reader downstream sees results while they come
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
  Output output_;
  std::size_t next_ = 0;
  std::map<std::size_t, std::string> waiting_;
};

}  // namespace candor::harness
