// What the pipeline of normalize.h does to each code point, looked up once and kept.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace candor::scoring {

/// The effect of NFKC and full case folding on a code point that stands alone in its normalisation segment.
struct CodePointEffect {
  std::uint32_t text_at = 0;  ///< Where the result starts in UnicodeTables::texts.
  std::uint8_t text_bytes = 0;
  bool ignorable : 1 = false;        ///< Default_Ignorable_Code_Point.
  bool boundary_before : 1 = false;  ///< NFKC never looks across the place before it.
  bool has_space : 1 = false;        ///< The result holds White_Space.
  bool folds_to_itself : 1 = false;  ///< Under full case folding alone.
};

/// Facts about code points below U+10000. Those above are rare enough to be asked for one by one.
struct UnicodeTables {
  static constexpr char32_t kEnd = 0x10000;
  std::vector<CodePointEffect> effects;  ///< [kEnd]
  std::string texts;

  std::string_view text(const CodePointEffect& effect) const noexcept {
    return {texts.data() + effect.text_at, effect.text_bytes};
  }
};

/// Built on first use, constant from then on; safe from any thread.
const UnicodeTables& unicode_tables();

bool is_default_ignorable(char32_t c) noexcept;
bool is_white_space(char32_t c) noexcept;
bool has_nfkc_boundary_before(char32_t c) noexcept;
std::uint8_t combining_class(char32_t c) noexcept;

/// Appends the full compatibility decomposition of `c` (itself, if it has none).
void append_decomposition(std::u32string& out, char32_t c);
/// The primary composite of `a` and `b`, or 0.
char32_t compose_pair(char32_t a, char32_t b) noexcept;
/// Appends the full case folding (C + F, no Turkic) of `c` as UTF-8.
void append_folded(std::string& out, char32_t c);

}  // namespace candor::scoring
