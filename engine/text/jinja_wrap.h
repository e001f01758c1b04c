// Python's textwrap.wrap, for the filter wordwrap. Private to this folder.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace candor::text::jinja {

/// Lines of at most `width` code points, broken at white space and, if asked for, after hyphens in words; longer words
/// are cut if `break_long_words`. White space where a line is broken is dropped.
std::vector<std::string> wrap_line(std::string_view line, std::size_t width, bool break_long_words,
                                   bool break_on_hyphens);

}  // namespace candor::text::jinja
