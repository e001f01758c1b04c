// UTF-8: decoding, repair, counting.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace candor {

bool is_utf8(std::string_view bytes) noexcept;

/// Replaces each maximal subpart of an ill-formed sequence by U+FFFD (Unicode 15, chapter 3, "U+FFFD Substitution of
/// Maximal Subparts"); well-formed text comes back as it is.
std::string repair_utf8(std::string_view bytes);

/// Decodes the code point at `position` of well-formed text and moves `position` past it.
char32_t next_code_point(std::string_view text, std::size_t& position) noexcept;

void append_utf8(std::string& out, char32_t code_point);

/// Code points of well-formed text.
std::size_t count_code_points(std::string_view text) noexcept;

}  // namespace candor
