// From Python's pattern syntax to ICU's.
#pragma once

#include <string>
#include <string_view>

namespace candor::suites {

struct IcuPattern {
  std::string source;  ///< UTF-8; capture groups in the order of the Python pattern, none named.
  std::size_t groups = 0;
  bool ignore_case = false, multiline = false, dot_all = false;
};

/// @throws RegexError
IcuPattern translate_pattern(std::string_view python);

}  // namespace candor::suites
