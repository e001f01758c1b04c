#include <unicode/uchar.h>

#include <limits>

#include "base/utf8.h"
#include "engine/text/python.h"
#include "engine/text/python_unicode.h"

namespace candor::text {
namespace {

/// CPython's tokenizer refuses more brackets in brackets than this (MAXLEVEL).
constexpr int kMaxNesting = 200;

/// The source is no literal: unwinds to literal_eval, which reports nothing else.
struct NotLiteral {};

[[noreturn]] void reject() {
  throw NotLiteral{};
}

bool is_digit_char(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex_char(char c) {
  return is_digit_char(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

struct Literal {
  Value value;
  bool number = false;   ///< An unsigned int or float: what a sign may stand before.
  bool hashable = true;  ///< May be a key.
};

class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source) {}

  Value read() {
    skip_blank_lines();
    Literal result = read_tuple(0, false);
    // After the expression only blank and comment lines may follow.
    for (;;) {
      skip_space(false);
      if (at_ == source_.size()) break;
      if (source_[at_] != '\n' && source_[at_] != '\r') reject();
      ++at_;
    }
    return std::move(result.value);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }

  void skip_blank_lines() {
    while (peek() == ' ' || peek() == '\t') ++at_;
    for (;;) {
      const std::size_t line = at_;
      skip_space(false);
      if (peek() != '\n' && peek() != '\r') {
        // Only the first line may be indented: the rest is Python's "unexpected indent".
        if (line != at_ && line > 0 && (source_[line - 1] == '\n' || source_[line - 1] == '\r')) reject();
        return;
      }
      ++at_;
    }
  }

  /// Skips blanks, comments and joined lines; line ends too inside brackets.
  void skip_space(bool in_brackets) {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == ' ' || c == '\t' || c == '\f' || (in_brackets && (c == '\n' || c == '\r'))) {
        ++at_;
      } else if (c == '#') {
        while (at_ < source_.size() && source_[at_] != '\n' && source_[at_] != '\r') ++at_;
      } else if (c == '\\' && (peek(1) == '\n' || peek(1) == '\r')) {
        at_ += peek(1) == '\r' && peek(2) == '\n' ? 3 : 2;
        if (at_ == source_.size()) reject();
      } else {
        return;
      }
    }
  }

  /// One expression, or several with commas between them, which make a tuple.
  Literal read_tuple(int depth, bool in_brackets) {
    skip_space(in_brackets);
    Literal first = read_signed(depth, in_brackets);
    skip_space(in_brackets);
    if (peek() != ',') return first;
    Value::List items;
    bool hashable = first.hashable;
    items.push_back(std::move(first.value));
    while (peek() == ',') {
      ++at_;
      skip_space(in_brackets);
      const char c = peek();
      if (c == ')' || c == '\0' || c == '\n' || c == '\r') break;
      Literal item = read_signed(depth, in_brackets);
      hashable = hashable && item.hashable;
      items.push_back(std::move(item.value));
      skip_space(in_brackets);
    }
    return {Value(std::move(items)), false, hashable};
  }

  Literal read_signed(int depth, bool in_brackets) {
    const char sign = peek();
    if (sign != '-' && sign != '+') return read_primary(depth, in_brackets);
    ++at_;
    skip_space(in_brackets);
    Literal operand = read_primary(depth, in_brackets);
    if (!operand.number) reject();
    operand.number = false;
    if (sign == '+') return operand;
    if (operand.value.is_integer()) {
      operand.value = Value(-operand.value.integer());
    } else if (operand.value.real() == 9223372036854775808.0 && minimum_) {
      operand.value = Value(std::numeric_limits<std::int64_t>::min());
    } else {
      operand.value = Value(-operand.value.real());
    }
    return operand;
  }

  Literal read_primary(int depth, bool in_brackets) {
    const char c = peek();
    if (depth >= kMaxNesting && (c == '(' || c == '[' || c == '{')) reject();
    if (c == '(') return read_parentheses(depth + 1);
    if (c == '[') return read_list(depth + 1);
    if (c == '{') return read_dict(depth + 1);
    if (is_digit_char(c) || (c == '.' && is_digit_char(peek(1)))) return read_number();
    if (starts_text()) return read_texts(in_brackets);
    for (const auto& [word, value] :
         {std::pair<std::string_view, Value>{"None", nullptr}, {"True", true}, {"False", false}}) {
      if (source_.substr(at_, word.size()) != word) continue;
      std::size_t next = at_ + word.size();
      if (next < source_.size() && is_identifier_part(next_code_point(source_, next))) reject();
      at_ += word.size();
      return {value, false, true};
    }
    reject();
  }

  Literal read_parentheses(int depth) {
    ++at_;
    skip_space(true);
    if (peek() == ')') {
      ++at_;
      return {Value(Value::List{}), false, true};
    }
    Literal inner = read_tuple(depth, true);
    skip_space(true);
    if (peek() != ')') reject();
    ++at_;
    return inner;
  }

  Literal read_list(int depth) {
    ++at_;
    Value::List items;
    for (;;) {
      skip_space(true);
      if (peek() == ']') break;
      items.push_back(read_signed(depth, true).value);
      skip_space(true);
      if (peek() == ']') break;
      if (peek() != ',') reject();
      ++at_;
    }
    ++at_;
    return {Value(std::move(items)), false, false};
  }

  Literal read_dict(int depth) {
    ++at_;
    Dict dict;
    for (;;) {
      skip_space(true);
      if (peek() == '}') break;
      Literal key = read_signed(depth, true);
      if (!key.hashable) reject();
      skip_space(true);
      if (peek() != ':') reject();
      ++at_;
      skip_space(true);
      Value value = read_signed(depth, true).value;
      dict.set(str(key.value), std::move(value));
      skip_space(true);
      if (peek() == '}') break;
      if (peek() != ',') reject();
      ++at_;
    }
    ++at_;
    return {Value(std::move(dict)), false, false};
  }

  Literal read_number() {
    const std::size_t start = at_;
    bool real = false;
    if (peek() == '0' && std::string_view("xXoObB").find(peek(1)) != std::string_view::npos && peek(1) != '\0') {
      at_ += 2;
      while (is_hex_char(peek()) || peek() == '_') ++at_;
    } else {
      const auto digits = [&] {
        while (is_digit_char(peek()) || (peek() == '_' && is_digit_char(peek(1)))) ++at_;
      };
      digits();
      if (peek() == '.') {
        real = true;
        ++at_;
        if (is_digit_char(peek())) digits();
      }
      if ((peek() | 0x20) == 'e' &&
          (is_digit_char(peek(1)) || ((peek(1) == '+' || peek(1) == '-') && is_digit_char(peek(2))))) {
        real = true;
        at_ += 2;
        digits();
      }
    }
    std::size_t next = at_;
    if (next < source_.size() && is_identifier_part(next_code_point(source_, next))) reject();
    const std::string_view text = source_.substr(start, at_ - start);
    if (!real) {
      const ParsedInteger parsed = parse_integer(text, 0);
      if (parsed.status == ParsedInteger::Status::kInvalid) reject();
      if (parsed.status == ParsedInteger::Status::kValid) return {Value(parsed.value), true, true};
      minimum_ = text == "9223372036854775808";
    }
    const auto value = parse_float(text);
    if (!value) reject();
    return {Value(*value), true, true};
  }

  bool starts_text() const {
    std::size_t i = 0;
    while (i < 2 && std::string_view("rRbBuU").find(peek(i)) != std::string_view::npos && peek(i) != '\0') ++i;
    return peek(i) == '\'' || peek(i) == '"';
  }

  Literal read_texts(bool in_brackets) {
    std::string out;
    bool first = true;
    bool bytes = false;
    while (starts_text()) {
      bool raw = false;
      bool is_bytes = false;
      std::string prefix;
      while (peek() != '\'' && peek() != '"') prefix.push_back(static_cast<char>(source_[at_++] | 0x20));
      if (prefix == "r") {
        raw = true;
      } else if (prefix == "b") {
        is_bytes = true;
      } else if (prefix == "br" || prefix == "rb") {
        raw = is_bytes = true;
      } else if (!prefix.empty() && prefix != "u") {
        reject();
      }
      if (!first && bytes != is_bytes) reject();
      bytes = is_bytes;
      first = false;
      read_text(out, raw, is_bytes);
      skip_space(in_brackets);
    }
    return {Value(std::move(out)), false, true};
  }

  void read_text(std::string& out, bool raw, bool bytes) {
    const char quote = peek();
    const bool triple = peek(1) == quote && peek(2) == quote;
    at_ += triple ? 3 : 1;
    for (;;) {
      if (at_ >= source_.size()) reject();
      const char c = source_[at_];
      if (c == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
        at_ += triple ? 3 : 1;
        return;
      }
      if ((c == '\n' || c == '\r') && !triple) reject();
      if (bytes && static_cast<unsigned char>(c) >= 0x80) reject();
      if (c == '\r') {  // Python reads all line ends as "\n"
        at_ += peek(1) == '\n' ? 2 : 1;
        out.push_back('\n');
      } else if (c != '\\') {
        out.push_back(c);
        ++at_;
      } else if (raw) {
        if (at_ + 1 >= source_.size()) reject();
        out.push_back(c);
        ++at_;
        if (peek() == '\r') continue;
        out.push_back(source_[at_++]);
      } else {
        ++at_;
        read_escape(out, bytes);
      }
    }
  }

  void read_escape(std::string& out, bool bytes) {
    if (at_ >= source_.size()) reject();
    const char c = source_[at_++];
    static constexpr std::string_view kNames = "\\'\"abfnrtv";
    static constexpr std::string_view kValues = "\\'\"\a\b\f\n\r\t\v";
    if (const std::size_t known = kNames.find(c); known != std::string_view::npos) {
      out.push_back(kValues[known]);
    } else if (c == '\n') {
      return;
    } else if (c == '\r') {
      if (peek() == '\n') ++at_;
    } else if (c >= '0' && c <= '7') {
      char32_t value = static_cast<char32_t>(c - '0');
      for (int i = 0; i < 2 && peek() >= '0' && peek() <= '7'; ++i)
        value = value * 8 + static_cast<char32_t>(source_[at_++] - '0');
      append_utf8(out, bytes ? value & 0xFF : value);
    } else if (c == 'x') {
      append_utf8(out, read_hex(2));
    } else if (c == 'u' && !bytes) {
      append_character(out, read_hex(4));
    } else if (c == 'U' && !bytes) {
      append_character(out, read_hex(8));
    } else if (c == 'N' && !bytes) {
      append_utf8(out, read_name());
    } else {
      out.push_back('\\');  // an unknown escape stands for itself
      --at_;
      if (static_cast<unsigned char>(c) < 0x80) out.push_back(source_[at_++]);
    }
  }

  char32_t read_hex(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      if (!is_hex_char(peek())) reject();
      const char c = source_[at_++];
      value = value * 16 + static_cast<char32_t>(is_digit_char(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
  }

  void append_character(std::string& out, char32_t c) {
    if (c > 0x10FFFF) reject();
    // Python text may hold half a surrogate pair, UTF-8 may not.
    append_utf8(out, c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c);
  }

  char32_t read_name() {
    if (peek() != '{') reject();
    const std::size_t end = source_.find('}', at_);
    if (end == std::string_view::npos || end - at_ > 200) reject();
    const std::string name(source_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    for (const UCharNameChoice choice : {U_UNICODE_CHAR_NAME, U_CHAR_NAME_ALIAS}) {
      UErrorCode status = U_ZERO_ERROR;
      const UChar32 c = u_charFromName(choice, name.c_str(), &status);
      if (U_SUCCESS(status)) return static_cast<char32_t>(c);
    }
    reject();
  }

  std::string_view source_;
  std::size_t at_ = 0;
  bool minimum_ = false;  // the last number was 2^63, which only its negative can hold
};

}  // namespace

std::optional<Value> literal_eval(std::string_view source) {
  if (source.find('\0') != std::string_view::npos || !is_utf8(source)) return std::nullopt;
  try {
    return Reader(source).read();
  } catch (const NotLiteral&) {
    return std::nullopt;
  }
}

}  // namespace candor::text
