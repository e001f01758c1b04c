#include "results/text_display.h"

#include <fmt/format.h>
#include <unicode/uchar.h>

#include <algorithm>

#include "base/utf8.h"

namespace candor::results {
namespace {

/// Bytes of the well-formed character at `at`, or 0 if there is none.
std::size_t character_bytes(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return at + bytes <= text.size() && is_utf8(text.substr(at, bytes)) ? bytes : 0;
}

bool is_shown(char32_t c) {
  if (c == '\n' || c == '\t' || c == 0x200c || c == 0x200d) return true;
  switch (u_charType(static_cast<UChar32>(c))) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
    case U_UNASSIGNED:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return false;
    default:
      return c != 0x115f && c != 0x1160 && c != 0x3164 && c != 0xffa0;  // Hangul fillers: letters that show nothing
  }
}

int character_width(char32_t c) {
  const auto character = static_cast<UChar32>(c);
  switch (u_charType(character)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_FORMAT_CHAR:
      return 0;
    default:
      break;
  }
  const int width = u_getIntPropertyValue(character, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

}  // namespace

std::vector<DisplayPiece> display_pieces(std::string_view text, const std::vector<std::size_t>& cuts) {
  std::vector<DisplayPiece> pieces;
  auto cut = cuts.begin();
  bool open = false;  // whether the last piece takes more characters
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = character_bytes(text, at);
    const std::size_t end = at + std::max<std::size_t>(bytes, 1);
    bool cut_inside = false;
    for (; cut != cuts.end() && *cut < end; ++cut) {
      open = false;
      cut_inside = cut_inside || *cut > at;
    }
    std::size_t position = at;
    const char32_t c = bytes == 0 ? 0 : next_code_point(text, position);
    if (bytes == 0 || !is_shown(c)) {
      pieces.push_back({bytes == 0 ? fmt::format("0x{:02X}", static_cast<unsigned char>(text[at]))
                                   : fmt::format("U+{:04X}", static_cast<std::uint32_t>(c)),
                        true, at, end});
      open = false;
    } else {
      if (!open) pieces.push_back({{}, false, at, at});
      open = true;
      pieces.back().text.append(text.substr(at, bytes));
      pieces.back().to = end;
      if (cut_inside) open = false;
    }
    at = end;
  }
  return pieces;
}

std::string terminal_text(std::string_view text) {
  std::string line;
  for (const DisplayPiece& piece : display_pieces(text)) line += piece.named ? "<" + piece.text + ">" : piece.text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\t', ' ');
  return line;
}

int terminal_width(std::string_view text) {
  int width = 0;
  for (std::size_t position = 0; position < text.size();) width += character_width(next_code_point(text, position));
  return width;
}

std::string fitted(std::string_view text, int columns) {
  if (terminal_width(text) <= columns) return std::string(text);
  int width = 0;
  std::size_t end = 0;
  for (std::size_t position = 0; position < text.size(); end = position) {
    width += character_width(next_code_point(text, position));
    if (width > columns - 1) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace candor::results
