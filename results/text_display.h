// Text of strangers for people to see: nothing invisible, nothing that moves the rest. Private to results.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace candor::results {

/// A piece of a text: characters that may be shown as they are, or one that may not, named instead ("U+202E", "0xFF").
struct DisplayPiece {
  std::string text;
  bool named = false;
  std::size_t from = 0, to = 0;  ///< Bytes of the original, [from, to).
};

/// Cuts a text where it holds what cannot be shown: control and format characters (bidi controls, zero-width space,
/// tags), unassigned and private characters, bytes that are not UTF-8. Line ends, tabs, joiners (needed by Arabic,
/// Indic scripts and emoji) and variation selectors are shown.
/// @param cuts  further places (bytes) to cut at; sorted. A cut inside a character cuts on both sides of it.
std::vector<DisplayPiece> display_pieces(std::string_view text, const std::vector<std::size_t>& cuts = {});

/// One line for a terminal: what cannot be shown is named in angle brackets, line ends and tabs become spaces.
std::string terminal_text(std::string_view text);

/// Columns that a terminal takes for a text: wide East Asian characters take two (UAX #11), combining marks none.
int terminal_width(std::string_view text);

/// At most `columns` wide, with "…" at the end if something was cut.
std::string fitted(std::string_view text, int columns);

}  // namespace candor::results
