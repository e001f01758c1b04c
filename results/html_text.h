// Writing HTML that no text can break out of. Private to results.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"

namespace candor::results {

/// What cannot be shown is named: ‹U+202E›.
std::string visible(std::string_view text);

/// The same for the content of an element and for attributes in double quotes.
std::string html(std::string_view text);

/// For the content of a script element: no JSON text can end it or start a comment.
std::string script_json(const Value& value);

/// Source of a Content-Security-Policy that allows one inline style or script: 'sha256-…'.
std::string csp_hash(std::string_view content);

/// What a rule matched in a text.
struct MarkedSpan {
  std::string kind;  ///< "rule", "fact", "narrative".
  std::string name;
  std::size_t from = 0, to = 0;  ///< Bytes, [from, to).
};

/// A text ready for showing: a list of pieces, each a text, or a list [text, named (boolean), names, kind], where
/// `names` are those of the spans that cover the piece. The report's script and its HTML are both made from it.
/// @param limit_bytes  what is longer is cut, and says so.
Value::List displayed_text(std::string_view text, std::size_t limit_bytes, const std::vector<MarkedSpan>& spans = {});

/// The pieces as HTML.
std::string html(const Value::List& pieces);

}  // namespace candor::results
