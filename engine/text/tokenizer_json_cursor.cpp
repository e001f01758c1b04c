#include "engine/text/tokenizer_json_cursor.h"

#include <charconv>

#include "base/utf8.h"
#include "engine/text/tokenizer_unicode.h"

namespace candor::text {

void JsonCursor::skip_white_space() noexcept {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
    ++at_;
}

char JsonCursor::peek() {
  skip_white_space();
  return at_ < text_.size() ? text_[at_] : '\0';
}

void JsonCursor::expect(char c, const char* what) {
  if (peek() != c) fail(what);
  ++at_;
}

void JsonCursor::open(char bracket) {
  expect(bracket, bracket == '{' ? "an object" : "a list");
  first_ = true;
}

bool JsonCursor::next(char closing) {
  if (peek() == closing) {
    ++at_;
    first_ = false;  // the container that holds this one has just had an element
    return false;
  }
  if (!first_) expect(',', "a comma or the closing bracket");
  first_ = false;
  return true;
}

bool JsonCursor::next_member(std::string& key) {
  if (!next('}')) return false;
  key = text();
  expect(':', "a colon");
  return true;
}

bool JsonCursor::next_element() {
  return next(']');
}

std::string_view JsonCursor::text() {
  expect('"', "a text");
  const std::size_t begin = at_;
  bool ascii = true;
  for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    if (text_[at_] == '\\') return escaped_text(begin);
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte < 0x20) fail("a text without control characters");
    ascii &= byte < 0x80;
  }
  if (at_ >= text_.size()) fail("the end of a text");
  const std::string_view found = text_.substr(begin, at_ - begin);
  ++at_;
  if (!ascii && !is_utf8(found)) fail("UTF-8");
  return found;
}

std::uint32_t JsonCursor::hex4() {
  std::uint32_t value = 0;
  if (at_ + 4 > text_.size()) fail("four hexadecimal digits");
  const auto read = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, value, 16);
  if (read.ec != std::errc() || read.ptr != text_.data() + at_ + 4) fail("four hexadecimal digits");
  at_ += 4;
  return value;
}

std::string_view JsonCursor::escaped_text(std::size_t begin) {
  buffer_.assign(text_, begin, at_ - begin);
  while (at_ < text_.size() && text_[at_] != '"') {
    const char c = text_[at_++];
    if (static_cast<unsigned char>(c) < 0x20) fail("a text without control characters");
    if (c != '\\') {
      buffer_ += c;
      continue;
    }
    if (at_ >= text_.size()) fail("an escape");
    const char kind = text_[at_++];
    constexpr std::string_view kKinds = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t known = kKinds.find(kind); known != std::string_view::npos) {
      buffer_ += kMeanings[known];
      continue;
    }
    if (kind != 'u') fail("a known escape");
    std::uint32_t c32 = hex4();
    if (c32 >= 0xd800 && c32 < 0xdc00) {
      if (text_.substr(at_, 2) != "\\u") fail("the second half of a surrogate pair");
      at_ += 2;
      const std::uint32_t low = hex4();
      if (low < 0xdc00 || low > 0xdfff) fail("the second half of a surrogate pair");
      c32 = 0x10000 + ((c32 - 0xd800) << 10) + (low - 0xdc00);
    } else if (c32 >= 0xdc00 && c32 < 0xe000) {
      fail("the first half of a surrogate pair");
    }
    append_utf8(buffer_, c32);
  }
  if (at_ >= text_.size()) fail("the end of a text");
  ++at_;
  if (!is_utf8(buffer_)) fail("UTF-8");
  return buffer_;
}

double JsonCursor::number() {
  skip_white_space();
  double value = 0;
  const auto read = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (read.ec != std::errc() || !(text_[at_] == '-' || (text_[at_] >= '0' && text_[at_] <= '9'))) fail("a number");
  at_ = static_cast<std::size_t>(read.ptr - text_.data());
  return value;
}

std::int64_t JsonCursor::integer() {
  skip_white_space();
  std::int64_t value = 0;
  const auto read = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (read.ec != std::errc()) fail("an integer");
  at_ = static_cast<std::size_t>(read.ptr - text_.data());
  if (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E')) fail("an integer");
  return value;
}

void JsonCursor::skip_text() {
  for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
    if (text_[at_] == '\\') ++at_;
  if (at_ >= text_.size()) fail("the end of a text");
  ++at_;
}

/// Only brackets and texts are told apart: whoever reads the value finds what else is wrong with it.
std::string_view JsonCursor::skip() {
  peek();
  const std::size_t begin = at_;
  std::size_t depth = 0;
  do {
    if (at_ >= text_.size()) fail("a value");
    const char c = text_[at_];
    if (c == '"') {
      skip_text();
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) fail("a value");
      --depth;
    } else if (depth == 0 && c != '{' && c != '[') {
      while (at_ < text_.size() && std::string_view(",]} \n\r\t").find(text_[at_]) == std::string_view::npos) ++at_;
      break;
    }
    ++at_;
  } while (depth > 0);
  if (at_ == begin) fail("a value");
  first_ = false;
  return text_.substr(begin, at_ - begin);
}

void JsonCursor::end() {
  if (peek() != '\0' || at_ < text_.size()) fail("the end of the file");
}

}  // namespace candor::text
