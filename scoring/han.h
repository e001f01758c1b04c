// Which Han characters belong to traditional and to simplified Chinese, by ICU's transliterators.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace candor::scoring {

enum class HanForm : std::uint8_t { kBoth, kSimplified, kTraditional };

/// How a character of the block U+4E00..U+9FFF is used; kBoth for everything else. Built on first use.
HanForm han_form(char32_t c);

/// The traditional characters that simplify to `c`, without `c` itself; empty if none.
std::u32string_view traditional_forms(char32_t c);

}  // namespace candor::scoring
