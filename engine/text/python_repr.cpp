#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/utf8.h"
#include "engine/text/python.h"
#include "engine/text/python_unicode.h"

namespace candor::text {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void append_hex(std::string& out, char32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out.push_back(kHex[(value >> shift) & 15]);
}

void append_repr(std::string& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      out += "None";
      return;
    case Value::Kind::kBool:
      out += value.boolean() ? "True" : "False";
      return;
    case Value::Kind::kInteger:
      out += std::to_string(value.integer());
      return;
    case Value::Kind::kReal:
      out += float_repr(value.real());
      return;
    case Value::Kind::kText:
      out += text_repr(value.text());
      return;
    case Value::Kind::kList: {
      out.push_back('[');
      bool first = true;
      for (const Value& item : value.list()) {
        if (!first) out += ", ";
        first = false;
        append_repr(out, item);
      }
      out.push_back(']');
      return;
    }
    case Value::Kind::kDict: {
      out.push_back('{');
      bool first = true;
      for (const Member& member : value.dict()) {
        if (!first) out += ", ";
        first = false;
        out += text_repr(member.key) + ": ";
        append_repr(out, member.value);
      }
      out.push_back('}');
      return;
    }
  }
}

/// The text without white space around, with digits of other scripts made ASCII and underscores between digits
/// dropped; nothing where an underscore stands elsewhere or a character is not ASCII.
std::optional<std::string> ascii_number(std::string_view text) {
  std::string out;
  text = strip(text);
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    if (const auto digit = decimal_value(c)) {
      out.push_back(static_cast<char>('0' + *digit));
    } else if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else {
      return std::nullopt;
    }
  }
  return out;
}

bool drop_underscores(std::string& text, bool (*is_part)(char)) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      if (i == 0 || i + 1 == text.size() || !is_part(text[i - 1]) || !is_part(text[i + 1])) return false;
      continue;
    }
    out.push_back(text[i]);
  }
  text = std::move(out);
  return true;
}

int digit_in_base(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

}  // namespace

std::string text_repr(std::string_view text) {
  const char quote = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (is_printable(c)) {
      append_utf8(out, c);
    } else if (c < 0x100) {
      out += "\\x";
      append_hex(out, c, 2);
    } else if (c < 0x10000) {
      out += "\\u";
      append_hex(out, c, 4);
    } else {
      out += "\\U";
      append_hex(out, c, 8);
    }
  }
  out.push_back(quote);
  return out;
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  std::string out;
  std::string digits;
  for (char c : text.substr(0, e)) {
    if (c == '-') {
      out.push_back('-');
    } else if (c != '.') {
      digits.push_back(c);
    }
  }
  // repr's format code 'r' of CPython's PyOS_double_to_string: exponents outside [-4, 16) are written with 'e'.
  if (exponent < -4 || exponent >= 16) {
    out += digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    out += exponent < 0 ? "e-" : "e+";
    const std::string magnitude = std::to_string(std::abs(exponent));
    return out + (magnitude.size() < 2 ? "0" : "") + magnitude;
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const std::size_t whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string repr(const Value& value) {
  std::string out;
  append_repr(out, value);
  return out;
}

std::string str(const Value& value) {
  return value.is_text() ? value.text() : repr(value);
}

std::optional<double> parse_float(std::string_view text) {
  auto number = ascii_number(text);
  if (!number || number->empty()) return std::nullopt;
  if (!drop_underscores(*number, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  std::string_view rest = *number;
  bool negative = false;
  if (rest[0] == '+' || rest[0] == '-') {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest.empty()) return std::nullopt;
  const std::string name = lower(rest);
  double result = 0;
  if (name == "inf" || name == "infinity") {
    result = std::numeric_limits<double>::infinity();
  } else if (name == "nan") {
    result = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (rest[0] != '.' && (rest[0] < '0' || rest[0] > '9')) return std::nullopt;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), result);
    if (end != rest.data() + rest.size()) return std::nullopt;
    // from_chars leaves the result alone when it is out of range; strtod gives infinity or zero, as Python.
    if (error == std::errc::result_out_of_range) result = std::strtod(std::string(rest).c_str(), nullptr);
    if (error == std::errc::invalid_argument) return std::nullopt;
  }
  return negative ? -result : result;
}

ParsedInteger parse_integer(std::string_view text, int base) {
  ParsedInteger result;
  auto number = ascii_number(text);
  if (!number || number->empty()) return result;
  std::string rest = *number;
  bool negative = false;
  if (rest[0] == '+' || rest[0] == '-') {
    negative = rest[0] == '-';
    rest.erase(0, 1);
  }
  const auto prefix_base = [&]() -> int {
    if (rest.size() < 2 || rest[0] != '0') return 0;
    const char mark = static_cast<char>(rest[1] | 0x20);
    return mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  }();
  bool only_zero = false;
  if (prefix_base != 0 && (base == 0 || base == prefix_base)) {
    rest.erase(0, 2);
    if (!rest.empty() && rest[0] == '_') rest.erase(0, 1);
    base = prefix_base;
  } else if (base == 0) {
    only_zero = rest.size() > 1 && rest[0] == '0';  // "010" has no base; "00" is zero
    base = 10;
  }
  if (!drop_underscores(rest, [](char c) { return digit_in_base(c) < 36; }) || rest.empty()) return result;
  std::uint64_t magnitude = 0;
  bool overflow = false;
  for (char c : rest) {
    const int digit = digit_in_base(c);
    if (digit >= base || (only_zero && digit != 0)) return result;
    overflow |= __builtin_mul_overflow(magnitude, static_cast<std::uint64_t>(base), &magnitude);
    overflow |= __builtin_add_overflow(magnitude, static_cast<std::uint64_t>(digit), &magnitude);
  }
  const std::uint64_t limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (overflow || magnitude > limit + (negative ? 1 : 0)) {
    result.status = ParsedInteger::Status::kOverflow;
    return result;
  }
  result.status = ParsedInteger::Status::kValid;
  result.value = static_cast<std::int64_t>(negative ? ~magnitude + 1 : magnitude);
  return result;
}

}  // namespace candor::text
