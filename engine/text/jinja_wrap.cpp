#include "engine/text/jinja_wrap.h"

#include <algorithm>

#include "base/utf8.h"
#include "engine/text/python_unicode.h"

namespace candor::text::jinja {
namespace {

/// textwrap knows only ASCII white space.
bool is_blank(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_word(char32_t c) {
  return c == '_' || is_alnum(c);
}

std::string encode(const std::u32string& text) {
  std::string out;
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}

/// Whether a chunk may end after the hyphen at `i`: letters around it (TextWrapper.wordsep_re).
bool breaks_after_hyphen(const std::u32string& text, std::size_t start, std::size_t i) {
  const auto letter = [&](std::size_t at) { return at < text.size() && is_word(text[at]) && !is_digit(text[at]); };
  if (i < start + 2 || !letter(i - 1) || !letter(i - 2)) {
    // "a-b-": a letter and a hyphen before it do as well.
    if (!(i >= start + 3 && letter(i - 1) && text[i - 2] == '-' && letter(i - 3))) return false;
  }
  return letter(i + 1) && (letter(i + 2) || (i + 2 < text.size() && text[i + 2] == '-' && letter(i + 3)));
}

std::vector<std::u32string> chunks_of(const std::u32string& text, bool break_on_hyphens) {
  std::vector<std::u32string> chunks;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t start = i;
    const bool blank = is_blank(text[i]);
    while (i < text.size() && is_blank(text[i]) == blank) {
      ++i;
      if (!blank && break_on_hyphens && text[i - 1] == '-' && breaks_after_hyphen(text, start, i - 1)) break;
    }
    chunks.push_back(text.substr(start, i - start));
  }
  return chunks;
}

bool is_all_blank(const std::u32string& chunk) {
  return std::all_of(chunk.begin(), chunk.end(), is_space);
}

}  // namespace

std::vector<std::string> wrap_line(std::string_view line, std::size_t width, bool break_long_words,
                                   bool break_on_hyphens) {
  std::u32string text;
  for (std::size_t i = 0; i < line.size();) text.push_back(next_code_point(line, i));
  std::vector<std::u32string> chunks = chunks_of(text, break_on_hyphens);
  std::reverse(chunks.begin(), chunks.end());
  std::vector<std::string> lines;
  while (!chunks.empty()) {
    if (is_all_blank(chunks.back()) && !lines.empty()) chunks.pop_back();
    std::vector<std::u32string> current;
    std::size_t length = 0;
    while (!chunks.empty() && length + chunks.back().size() <= width) {
      length += chunks.back().size();
      current.push_back(std::move(chunks.back()));
      chunks.pop_back();
    }
    if (!chunks.empty() && chunks.back().size() > width) {
      std::u32string& word = chunks.back();
      if (break_long_words) {
        std::size_t room = width - length;
        if (break_on_hyphens && word.size() > room) {
          const std::size_t hyphen = room == 0 ? std::u32string::npos : word.rfind(U'-', room - 1);
          if (hyphen != std::u32string::npos && hyphen > 0 &&
              std::any_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(hyphen),
                          [](char32_t c) { return c != U'-'; }))
            room = hyphen + 1;
        }
        current.push_back(word.substr(0, room));
        word.erase(0, room);
      } else if (current.empty()) {
        current.push_back(std::move(word));
        chunks.pop_back();
      }
    }
    if (!current.empty() && is_all_blank(current.back())) current.pop_back();
    if (current.empty()) continue;
    std::u32string joined;
    for (const std::u32string& chunk : current) joined += chunk;
    lines.push_back(encode(joined));
  }
  return lines;
}

}  // namespace candor::text::jinja
