#include "scoring/unicode_tables.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "base/error.h"
#include "base/utf8.h"

namespace candor::scoring {
namespace {

const UNormalizer2* nfkc() noexcept {
  static const UNormalizer2* const instance = [] {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* found = unorm2_getNFKCInstance(&status);
    CANDOR_CHECK(U_SUCCESS(status), "ICU has no NFKC data");
    return found;
  }();
  return instance;
}

CodePointEffect effect_of(char32_t c, std::string& texts) {
  CodePointEffect effect;
  effect.ignorable = is_default_ignorable(c);
  effect.boundary_before = has_nfkc_boundary_before(c);
  effect.text_at = static_cast<std::uint32_t>(texts.size());
  if (U_IS_SURROGATE(c)) return effect;  // never in decoded text

  std::u32string decomposed;
  append_decomposition(decomposed, c);
  // A lone code point composes back to itself unless its mapping is one-way; composing its own decomposition tells.
  std::u32string composed;
  for (const char32_t part : decomposed) {
    const char32_t pair = composed.empty() ? 0 : compose_pair(composed.back(), part);
    if (pair != 0 && combining_class(composed.back()) == 0) {
      composed.back() = pair;
    } else {
      composed += part;
    }
  }
  for (const char32_t part : composed) append_folded(texts, part);
  effect.text_bytes = static_cast<std::uint8_t>(texts.size() - effect.text_at);
  for (std::size_t at = effect.text_at; at < texts.size();)
    if (is_white_space(next_code_point(texts, at))) effect.has_space = true;
  std::string folded, plain;
  append_folded(folded, c);
  append_utf8(plain, c);
  effect.folds_to_itself = folded == plain;
  return effect;
}

}  // namespace

const UnicodeTables& unicode_tables() {
  static const UnicodeTables tables = [] {
    UnicodeTables built;
    built.effects.reserve(UnicodeTables::kEnd);
    for (char32_t c = 0; c < UnicodeTables::kEnd; ++c) built.effects.push_back(effect_of(c, built.texts));
    return built;
  }();
  return tables;
}

bool is_default_ignorable(char32_t c) noexcept {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

bool is_white_space(char32_t c) noexcept {
  return u_isUWhiteSpace(static_cast<UChar32>(c));
}

bool has_nfkc_boundary_before(char32_t c) noexcept {
  return unorm2_hasBoundaryBefore(nfkc(), static_cast<UChar32>(c));
}

std::uint8_t combining_class(char32_t c) noexcept {
  return u_getCombiningClass(static_cast<UChar32>(c));
}

void append_decomposition(std::u32string& out, char32_t c) {
  UChar units[64];  // the longest, U+FDFA, has 18
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t length = unorm2_getDecomposition(nfkc(), static_cast<UChar32>(c), units,
                                                      static_cast<std::int32_t>(std::size(units)), &status);
  CANDOR_CHECK(U_SUCCESS(status), "ICU cannot decompose a code point");
  if (length < 0) {
    out += c;
    return;
  }
  for (std::int32_t i = 0; i < length;) {
    UChar32 part;
    U16_NEXT(units, i, length, part);
    out += static_cast<char32_t>(part);
  }
}

char32_t compose_pair(char32_t a, char32_t b) noexcept {
  const UChar32 pair = unorm2_composePair(nfkc(), static_cast<UChar32>(a), static_cast<UChar32>(b));
  return pair < 0 ? 0 : static_cast<char32_t>(pair);
}

void append_folded(std::string& out, char32_t c) {
  UChar source[2];
  std::int32_t source_length = 0;
  U16_APPEND_UNSAFE(source, source_length, static_cast<UChar32>(c));
  UChar folded[8];  // CaseFolding.txt maps to at most three code points
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t length = u_strFoldCase(folded, static_cast<std::int32_t>(std::size(folded)), source, source_length,
                                            U_FOLD_CASE_DEFAULT, &status);
  CANDOR_CHECK(U_SUCCESS(status), "ICU cannot fold a code point");
  for (std::int32_t i = 0; i < length;) {
    UChar32 part;
    U16_NEXT(folded, i, length, part);
    append_utf8(out, static_cast<char32_t>(part));
  }
}

}  // namespace candor::scoring
