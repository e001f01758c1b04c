// What task files and templates owe to Python: str methods and literals, exactly.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"

namespace candor::text {

/// Python's str.strip(), lstrip(), rstrip() without argument: all characters for which str.isspace() holds.
std::string_view strip(std::string_view text);
std::string_view lstrip(std::string_view text);
std::string_view rstrip(std::string_view text);
/// Python's str.isdigit(): not empty and every character has the property Numeric_Type=Digit or Decimal.
bool is_digit(std::string_view text);
std::string lower(std::string_view text);       ///< str.lower(), with final sigma.
std::string upper(std::string_view text);       ///< str.upper()
std::string title(std::string_view text);       ///< str.title()
std::string capitalize(std::string_view text);  ///< str.capitalize(): first character in title case, the rest lower.

/// repr() and str() of a value: None, True, 'it', "it's", [1, 2.0], {'a': 1}.
std::string repr(const Value& value);
std::string str(const Value& value);
/// repr(float): shortest digits that read back, exponent below 1e-4 and from 1e16.
std::string float_repr(double value);

/// ast.literal_eval: literals of str, bytes, numbers, list, tuple (as list), dict, True, False, None, with every escape
/// and implicit joining of adjacent texts. Nothing where Python would raise.
std::optional<Value> literal_eval(std::string_view source);

}  // namespace candor::text
