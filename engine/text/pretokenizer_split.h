// Cutting at matches: what the split behaviours of tokenizer.json mean.
#pragma once

#include <string_view>
#include <vector>

#include "engine/text/pretokenizer.h"

namespace candor::text {

/// Appends the pieces of `word`, which is the text's `span`, cut at `matches` (relative to the word, in order). Empty
/// pieces are left out. With `invert` the parts between matches count as the matches.
void append_pieces(std::string_view word, const Span& span, const std::vector<Span>& matches, SplitBehavior behavior,
                   bool invert, std::vector<Span>& out);

}  // namespace candor::text
