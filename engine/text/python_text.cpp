#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <algorithm>

#include "base/utf8.h"
#include "engine/text/python.h"
#include "engine/text/python_unicode.h"

namespace candor::text {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::u32string decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) out.push_back(next_code_point(text, i));
  return out;
}

bool is_cased(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASED);
}

bool is_case_ignorable(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_CASE_IGNORABLE);
}

enum class Case { kLower, kUpper, kTitle };

/// Appends the full mapping of one character, without context (SpecialCasing.txt, unconditional lines).
void append_mapped(std::string& out, char32_t c, Case wanted) {
  if (c < 0x80) {
    const char ascii = static_cast<char>(c);
    const bool lower = ascii >= 'a' && ascii <= 'z';
    const bool upper = ascii >= 'A' && ascii <= 'Z';
    if (wanted == Case::kLower) {
      out.push_back(upper ? static_cast<char>(ascii + 32) : ascii);
    } else {
      out.push_back(lower ? static_cast<char>(ascii - 32) : ascii);
    }
    return;
  }
  UChar source[2];
  int32_t length = 0;
  UErrorCode status = U_ZERO_ERROR;
  u_strFromUTF32(source, 2, &length, reinterpret_cast<const UChar32*>(&c), 1, &status);
  UChar mapped[8];
  int32_t mapped_length = 0;
  status = U_ZERO_ERROR;
  switch (wanted) {
    case Case::kLower:
      mapped_length = u_strToLower(mapped, 8, source, length, "", &status);
      break;
    case Case::kUpper:
      mapped_length = u_strToUpper(mapped, 8, source, length, "", &status);
      break;
    case Case::kTitle: {
      icu::UnicodeString text(source, length);
      text.toTitle(nullptr, icu::Locale::getRoot(), U_TITLECASE_NO_LOWERCASE | U_TITLECASE_NO_BREAK_ADJUSTMENT);
      mapped_length = text.extract(mapped, 8, status);
      break;
    }
  }
  for (int32_t i = 0; i < mapped_length;) {
    UChar32 one;
    U16_NEXT(mapped, i, mapped_length, one);
    append_utf8(out, static_cast<char32_t>(one));
  }
}

/// The condition Final_Sigma of the Unicode Standard, 3.13: a cased letter before and none after, over ignorable ones.
bool is_final_sigma(const std::u32string& text, std::size_t at) {
  std::size_t i = at;
  while (i > 0 && is_case_ignorable(text[i - 1])) --i;
  if (i == 0 || !is_cased(text[i - 1])) return false;
  i = at + 1;
  while (i < text.size() && is_case_ignorable(text[i])) ++i;
  return i == text.size() || !is_cased(text[i]);
}

void append_lower(std::string& out, const std::u32string& text, std::size_t at) {
  if (text[at] == U'Σ') {
    append_utf8(out, is_final_sigma(text, at) ? U'ς' : U'σ');
  } else {
    append_mapped(out, text[at], Case::kLower);
  }
}

UCharCategory category(char32_t c) {
  return static_cast<UCharCategory>(u_charType(static_cast<UChar32>(c)));
}

UNumericType numeric_type(char32_t c) {
  return static_cast<UNumericType>(u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_NUMERIC_TYPE));
}

bool ends_line(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

}  // namespace

bool is_space(char32_t c) noexcept {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_decimal(char32_t c) noexcept {
  return numeric_type(c) == U_NT_DECIMAL;
}

bool is_digit(char32_t c) noexcept {
  return numeric_type(c) == U_NT_DECIMAL || numeric_type(c) == U_NT_DIGIT;
}

bool is_numeric(char32_t c) noexcept {
  return numeric_type(c) != U_NT_NONE;
}

bool is_alpha(char32_t c) noexcept {
  return (U_MASK(category(c)) & U_GC_L_MASK) != 0;
}

bool is_alnum(char32_t c) noexcept {
  return is_alpha(c) || is_numeric(c);
}

bool is_lower(char32_t c) noexcept {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_LOWERCASE);
}

bool is_upper(char32_t c) noexcept {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_UPPERCASE);
}

bool is_title(char32_t c) noexcept {
  return category(c) == U_TITLECASE_LETTER;
}

bool is_printable(char32_t c) noexcept {
  if (c < 0x7F) return c >= 0x20;
  return (U_MASK(category(c)) & (U_GC_C_MASK | U_GC_Z_MASK)) == 0;
}

bool is_identifier_start(char32_t c) noexcept {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_XID_START);
}

bool is_identifier_part(char32_t c) noexcept {
  if (c < 0x80) return is_identifier_start(c) || (c >= '0' && c <= '9');
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_XID_CONTINUE);
}

std::optional<int> decimal_value(char32_t c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  if (c < 0x80 || !is_decimal(c)) return std::nullopt;
  return u_charDigitValue(static_cast<UChar32>(c));
}

std::string_view lstrip(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t next = i;
    if (!is_space(next_code_point(text, next))) break;
    i = next;
  }
  return text.substr(i);
}

std::string_view rstrip(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t start = end - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    std::size_t next = start;
    if (!is_space(next_code_point(text, next))) break;
    end = start;
  }
  return text.substr(0, end);
}

std::string_view strip(std::string_view text) {
  return rstrip(lstrip(text));
}

bool is_digit(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size();)
    if (!is_digit(next_code_point(text, i))) return false;
  return true;
}

std::string lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  if (is_ascii(text)) {
    for (char c : text) append_mapped(out, static_cast<unsigned char>(c), Case::kLower);
    return out;
  }
  const std::u32string decoded = decode(text);
  for (std::size_t i = 0; i < decoded.size(); ++i) append_lower(out, decoded, i);
  return out;
}

std::string upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) append_mapped(out, next_code_point(text, i), Case::kUpper);
  return out;
}

std::string title(std::string_view text) {
  const std::u32string decoded = decode(text);
  std::string out;
  out.reserve(text.size());
  bool in_word = false;
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    if (in_word) {
      append_lower(out, decoded, i);
    } else {
      append_mapped(out, decoded[i], Case::kTitle);
    }
    in_word = is_cased(decoded[i]);
  }
  return out;
}

std::string capitalize(std::string_view text) {
  const std::u32string decoded = decode(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    if (i == 0) {
      append_mapped(out, decoded[i], Case::kTitle);
    } else {
      append_lower(out, decoded, i);
    }
  }
  return out;
}

std::string swap_case(std::string_view text) {
  const std::u32string decoded = decode(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < decoded.size(); ++i) {
    if (is_upper(decoded[i])) {
      append_lower(out, decoded, i);
    } else if (is_lower(decoded[i])) {
      append_mapped(out, decoded[i], Case::kUpper);
    } else {
      append_utf8(out, decoded[i]);
    }
  }
  return out;
}

std::string case_fold(std::string_view text) {
  std::string out;
  icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())))
      .foldCase()
      .toUTF8String(out);
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t at = i;
    const char32_t c = next_code_point(text, i);
    if (!ends_line(c)) continue;
    if (c == '\r' && i < text.size() && text[i] == '\n') ++i;
    lines.push_back(text.substr(start, (keep_ends ? i : at) - start));
    start = i;
  }
  if (start < text.size()) lines.push_back(text.substr(start));
  return lines;
}

}  // namespace candor::text
