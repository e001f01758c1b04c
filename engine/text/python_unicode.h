// Python's character classes and number syntax, for python.h's functions and for templates. Private to this folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace candor::text {

/// str.isspace() of one character: bidirectional class WS, B or S, or category Zs (CPython's unicodetype_db.h).
bool is_space(char32_t c) noexcept;
bool is_decimal(char32_t c) noexcept;
bool is_digit(char32_t c) noexcept;
bool is_numeric(char32_t c) noexcept;
bool is_alpha(char32_t c) noexcept;
bool is_alnum(char32_t c) noexcept;
bool is_lower(char32_t c) noexcept;
bool is_upper(char32_t c) noexcept;
bool is_title(char32_t c) noexcept;
bool is_printable(char32_t c) noexcept;
bool is_identifier_start(char32_t c) noexcept;
bool is_identifier_part(char32_t c) noexcept;
/// The value of a decimal digit of any script, or nothing.
std::optional<int> decimal_value(char32_t c) noexcept;

std::string swap_case(std::string_view text);
std::string case_fold(std::string_view text);

/// str.splitlines(): all line ends of Python, U+2028 and U+001C included.
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

/// repr(str): quotes chosen as Python does, what does not print escaped.
std::string text_repr(std::string_view text);

/// float(str): white space around, underscores between digits, decimal digits of any script, inf and nan.
std::optional<double> parse_float(std::string_view text);

/// What int(str, base) gives.
struct ParsedInteger {
  enum class Status { kValid, kInvalid, kOverflow } status = Status::kInvalid;
  std::int64_t value = 0;
};
/// @param base  0 or 2 to 36; 0: by prefix.
ParsedInteger parse_integer(std::string_view text, int base);

}  // namespace candor::text
