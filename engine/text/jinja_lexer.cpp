#include "engine/text/jinja_lexer.h"

#include <unicode/uchar.h>

#include "base/utf8.h"
#include "engine/text/python.h"
#include "engine/text/python_unicode.h"

namespace candor::text::jinja {
namespace {

constexpr std::string_view kOperators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                           "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

bool is_digit_char(char c) {
  return c >= '0' && c <= '9';
}

int hex_value(char c) {
  if (is_digit_char(c)) return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_name_character(char32_t c) {
  return c == '_' || is_alnum(c) || is_identifier_part(c);
}

/// Line ends become "\n"; the last one goes unless it is to be kept.
std::string normalized(std::string_view source, bool keep_trailing_newline) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out.push_back('\n');
    } else {
      out.push_back(source[i]);
    }
  }
  if (!keep_trailing_newline && !out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  Lexer(std::string source, const TemplateOptions& options) : source_(std::move(source)), options_(options) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) read_data();
    push(Token::Kind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  using Kind = Token::Kind;

  [[noreturn]] void fail(const std::string& message) const {
    throw TemplateError(TemplateError::Kind::kSyntax, message, line_);
  }

  bool starts(std::string_view text, std::size_t at) const { return source_.compare(at, text.size(), text) == 0; }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }

  void push(Kind kind, std::string text) {
    Token token;
    token.kind = kind;
    token.text = std::move(text);
    token.line = line_;
    tokens_.push_back(std::move(token));
  }

  void advance_to(std::size_t to) {
    for (; at_ < to; ++at_)
      if (source_[at_] == '\n') ++line_;
  }

  std::size_t after_space(std::size_t at) const {
    while (at < source_.size()) {
      std::size_t next = at;
      if (!is_space(next_code_point(source_, next))) break;
      at = next;
    }
    return at;
  }

  bool line_starts_here() const { return at_ == 0 || source_[at_ - 1] == '\n'; }

  /// Data up to the tag that begins at `tag`, less what its sign or lstrip_blocks takes away.
  void push_data(std::size_t tag, char sign, bool variable) {
    std::string_view text(source_.data() + at_, tag - at_);
    if (sign == '-') {
      text = rstrip(text);
    } else if (sign != '+' && options_.lstrip_blocks && !variable) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
      if ((line > 0 || line_starts_here()) && lstrip(text.substr(line)).empty()) text = text.substr(0, line);
    }
    if (!text.empty()) push(Kind::kData, std::string(text));
    advance_to(tag);
  }

  char sign_at(std::size_t at) const {
    return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : '\0';
  }

  void read_data() {
    std::size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= source_.size()) {
        push(Kind::kData, source_.substr(at_));
        advance_to(source_.size());
        return;
      }
      if (source_[tag + 1] == '%' || source_[tag + 1] == '{' || source_[tag + 1] == '#') break;
    }
    const char sign = sign_at(tag + 2);
    const std::size_t inside = tag + 2 + (sign != '\0' ? 1 : 0);
    const char type = source_[tag + 1];
    if (type == '%') {
      if (const std::size_t raw = raw_begin_end(inside)) {
        push_data(tag, sign, false);
        advance_to(raw);
        read_raw();
        return;
      }
    }
    push_data(tag, sign, type == '{');
    if (type == '#') {
      advance_to(inside);
      skip_comment();
      return;
    }
    push(type == '%' ? Kind::kBlockBegin : Kind::kVariableBegin, {});
    advance_to(inside);
    read_expression(type == '%');
  }

  /// The position after "raw %}", or 0 if this is another tag.
  std::size_t raw_begin_end(std::size_t at) const {
    at = after_space(at);
    if (!starts("raw", at)) return 0;
    at = after_space(at + 3);
    if (starts("-%}", at)) return after_space(at + 3);
    return starts("%}", at) ? at + 2 : 0;
  }

  /// The position after an end mark with its sign and trimming, or 0 if there is none at `at`.
  std::size_t end_of_tag(std::size_t at, std::string_view mark) const {
    if (source_[at] == '+' && starts(mark, at + 1)) return at + 3;
    if (source_[at] == '-' && starts(mark, at + 1)) return after_space(at + 3);
    if (!starts(mark, at)) return 0;
    return at + 2 + (options_.trim_blocks && at + 2 < source_.size() && source_[at + 2] == '\n' ? 1 : 0);
  }

  void skip_comment() {
    for (std::size_t i = at_; i < source_.size(); ++i) {
      if (const std::size_t end = end_of_tag(i, "#}")) {
        advance_to(end);
        return;
      }
    }
    fail("Missing end of comment tag");
  }

  void read_raw() {
    for (std::size_t tag = source_.find("{%", at_); tag != std::string::npos; tag = source_.find("{%", tag + 1)) {
      const char sign = sign_at(tag + 2);
      std::size_t at = after_space(tag + 2 + (sign != '\0' ? 1 : 0));
      if (!starts("endraw", at)) continue;
      at = after_space(at + 6);
      const std::size_t end = at < source_.size() ? end_of_tag(at, "%}") : 0;
      if (end == 0) continue;
      push_data(tag, sign, false);
      advance_to(end);
      return;
    }
    fail("Missing end of raw directive");
  }

  void read_expression(bool block) {
    std::string open;  // closing brackets that are still to come
    while (at_ < source_.size()) {
      if (open.empty()) {
        std::size_t end = 0;
        if (block) {
          end = end_of_tag(at_, "%}");
        } else if (starts("-}}", at_)) {
          end = after_space(at_ + 3);
        } else if (starts("}}", at_)) {
          end = at_ + 2;
        }
        if (end != 0) {
          push(block ? Kind::kBlockEnd : Kind::kVariableEnd, {});
          advance_to(end);
          return;
        }
      }
      if (const std::size_t next = after_space(at_); next != at_) {
        advance_to(next);
        continue;
      }
      if (is_digit_char(peek())) {
        read_number();
      } else if (peek() == '\'' || peek() == '"') {
        read_string();
      } else if (!read_name()) {
        read_operator(open);
      }
    }
  }

  /// The end of (\d+_)*\d+ at `at`, or `at`.
  std::size_t digits_end(std::size_t at) const {
    while (at < source_.size() &&
           (is_digit_char(source_[at]) || (source_[at] == '_' && at > 0 && is_digit_char(source_[at - 1]) &&
                                           at + 1 < source_.size() && is_digit_char(source_[at + 1]))))
      ++at;
    return at;
  }

  bool digit_at(std::size_t at) const { return at < source_.size() && is_digit_char(source_[at]); }

  void read_number() {
    std::size_t end = digits_end(at_);
    bool real = false;
    if (at_ == 0 || source_[at_ - 1] != '.') {
      std::size_t after = end;
      if (after < source_.size() && source_[after] == '.' && digit_at(after + 1)) {
        after = digits_end(after + 1);
        real = true;
      }
      if (after < source_.size() && (source_[after] | 0x20) == 'e') {
        std::size_t exponent = after + 1;
        if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
        if (digit_at(exponent)) {
          after = digits_end(exponent);
          real = true;
        }
      }
      if (real) end = after;
    }
    if (!real) end = integer_end();
    const std::string_view text(source_.data() + at_, end - at_);
    push(real ? Kind::kReal : Kind::kInteger, std::string(text));
    if (real) {
      tokens_.back().real = parse_float(text).value_or(0);
    } else {
      const ParsedInteger parsed = parse_integer(text, 0);
      if (parsed.status != ParsedInteger::Status::kValid)
        fail("integer " + std::string(text.substr(0, 40)) + " does not fit into 64 bits");
      tokens_.back().integer = parsed.value;
    }
    advance_to(end);
  }

  std::size_t integer_end() const {
    const auto run = [&](std::size_t at, auto is_part) {
      const auto part = [&](std::size_t i) { return i < source_.size() && is_part(source_[i]); };
      while (part(at) || (at < source_.size() && source_[at] == '_' && part(at + 1))) ++at;
      return at;
    };
    if (peek() == '0') {
      const char mark = static_cast<char>(peek(1) | 0x20);
      std::size_t end = at_ + 2;
      if (mark == 'b') end = run(end, [](char c) { return c == '0' || c == '1'; });
      if (mark == 'o') end = run(end, [](char c) { return c >= '0' && c <= '7'; });
      if (mark == 'x') end = run(end, [](char c) { return hex_value(c) >= 0; });
      if (end > at_ + 2) return end;
      return run(at_ + 1, [](char c) { return c == '0'; });
    }
    return run(at_ + 1, is_digit_char);
  }

  bool read_name() {
    std::size_t end = at_;
    bool valid = true;
    while (end < source_.size()) {
      std::size_t next = end;
      const char32_t c = next_code_point(source_, next);
      if (!is_name_character(c)) break;
      valid = valid && (end == at_ ? is_identifier_start(c) : is_identifier_part(c));
      end = next;
    }
    if (end == at_) return false;
    if (!valid) fail("Invalid character in identifier");
    push(Kind::kName, source_.substr(at_, end - at_));
    advance_to(end);
    return true;
  }

  void read_operator(std::string& open) {
    for (const std::string_view candidate : kOperators) {
      if (!starts(candidate, at_)) continue;
      const char c = candidate[0];
      if (c == '{' || c == '(' || c == '[') open.push_back(c == '{' ? '}' : c == '(' ? ')' : ']');
      if (c == '}' || c == ')' || c == ']') {
        if (open.empty()) fail(std::string("unexpected '") + c + "'");
        if (open.back() != c) fail(std::string("unexpected '") + c + "', expected '" + open.back() + "'");
        open.pop_back();
      }
      push(Kind::kOperator, std::string(candidate));
      advance_to(at_ + candidate.size());
      return;
    }
    std::size_t next = at_;
    std::string character;
    append_utf8(character, next_code_point(source_, next));
    fail("unexpected char " + text_repr(character) + " at " +
         std::to_string(count_code_points(source_.substr(0, at_))));
  }

  void read_string() {
    const char quote = peek();
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size())
      fail(std::string("unexpected char ") + text_repr(std::string(1, quote)) + " at " +
           std::to_string(count_code_points(source_.substr(0, at_))));
    push(Kind::kString, unescaped(std::string_view(source_).substr(at_ + 1, end - at_ - 1)));
    advance_to(end + 1);
  }

  /// Python's codec unicode-escape.
  std::string unescaped(std::string_view text) const {
    std::string out;
    std::size_t i = 0;
    const auto hex = [&](int digits, std::string_view name) {
      char32_t value = 0;
      for (int k = 0; k < digits; ++k) {
        const int digit = i < text.size() ? hex_value(text[i]) : -1;
        if (digit < 0) fail("truncated " + std::string(name) + " escape");
        value = value * 16 + static_cast<char32_t>(digit);
        ++i;
      }
      if (value > 0x10FFFF) fail("illegal Unicode character");
      return value;
    };
    while (i < text.size()) {
      const char c = text[i++];
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      static constexpr std::string_view kNames = "\\'\"abfnrtv";
      static constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
      const char e = text[i];
      if (const std::size_t known = kNames.find(e); known != std::string_view::npos) {
        out.push_back(kValues[known]);
        ++i;
      } else if (e == '\n') {
        ++i;
      } else if (e >= '0' && e <= '7') {
        char32_t value = 0;
        for (int k = 0; k < 3 && i < text.size() && text[i] >= '0' && text[i] <= '7'; ++k)
          value = value * 8 + static_cast<char32_t>(text[i++] - '0');
        append_utf8(out, value);
      } else if (e == 'x') {
        ++i;
        append_utf8(out, hex(2, "\\xXX"));
      } else if (e == 'u' || e == 'U') {
        ++i;
        char32_t value = e == 'u' ? hex(4, "\\uXXXX") : hex(8, "\\UXXXXXXXX");
        // Half a surrogate pair cannot be written as UTF-8; two halves are what JSON would mean by them.
        if (value >= 0xD800 && value <= 0xDBFF && text.substr(i, 2) == "\\u") {
          const std::size_t rest = i;
          i += 2;
          const char32_t low = hex(4, "\\uXXXX");
          if (low >= 0xDC00 && low <= 0xDFFF) {
            value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
          } else {
            i = rest;
          }
        }
        append_utf8(out, value >= 0xD800 && value <= 0xDFFF ? 0xFFFD : value);
      } else if (e == 'N') {
        append_utf8(out, named_character(text, i));
      } else {
        out.push_back('\\');  // an unknown escape stands for itself
        if (static_cast<unsigned char>(e) >= 0x80) append_quirk(out, text, i);
      }
    }
    return out;
  }

  char32_t named_character(std::string_view text, std::size_t& i) const {
    const std::size_t end = text.find('}', i);
    if (i + 1 >= text.size() || text[i + 1] != '{' || end == std::string_view::npos)
      fail("malformed \\N character escape");
    const std::string name(text.substr(i + 2, end - i - 2));
    i = end + 1;
    for (const UCharNameChoice choice : {U_UNICODE_CHAR_NAME, U_CHAR_NAME_ALIAS}) {
      UErrorCode status = U_ZERO_ERROR;
      const UChar32 c = u_charFromName(choice, name.c_str(), &status);
      if (U_SUCCESS(status)) return static_cast<char32_t>(c);
    }
    fail("unknown Unicode character name");
  }

  /// Jinja writes characters beyond ASCII as escapes before it undoes escapes, so that a backslash before one escapes
  /// the other's backslash: "\é" is "\xe9".
  static void append_quirk(std::string& out, std::string_view text, std::size_t& i) {
    const char32_t c = next_code_point(text, i);
    const int digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
    out.push_back(digits == 2 ? 'x' : digits == 4 ? 'u' : 'U');
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(c >> shift) & 15]);
  }

  const std::string source_;
  const TemplateOptions& options_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const TemplateOptions& options) {
  return Lexer(normalized(source, options.keep_trailing_newline), options).run();
}

}  // namespace candor::text::jinja
