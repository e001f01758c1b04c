#include "base/error.h"

#include <cstdio>
#include <cstdlib>

namespace candor {
namespace {

/// One line: control characters of a hostile file must not reach the terminal.
std::string message(std::string_view where, std::string_view what, std::string_view remedy) {
  std::string line;
  line.append(where);
  if (!where.empty()) line += ": ";
  line.append(what);
  if (!remedy.empty()) (line += "; ").append(remedy);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return line;
}

}  // namespace

Error::Error(ErrorKind kind, std::string_view where, std::string_view what, std::string_view remedy)
    : std::runtime_error(message(where, what, remedy)), kind_(kind) {}

void check_failed(const char* file, int line, const char* condition, std::string_view text) {
  std::fprintf(stderr, "candor: defect at %s:%d: %s: %.*s\n", file, line, condition, static_cast<int>(text.size()),
               text.data());
  std::abort();
}

}  // namespace candor
