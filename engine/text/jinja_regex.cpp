// Python's re.sub over ICU's regular expressions.
#include <unicode/regex.h>

#include <limits>

#include "base/utf8.h"
#include "engine/text/jinja_filters.h"
#include "engine/text/python_unicode.h"

namespace candor::text::jinja {
namespace {

/// ICU's unit is about a thousandth of a second: a pattern that backtracks longer than this is given up.
constexpr int32_t kTimeLimit = 2000;
constexpr int32_t kStackLimitBytes = 8 << 20;

[[noreturn]] void pattern_error(Runtime& runtime, const std::string& message) {
  runtime.fail(TemplateError::Kind::kType, "re.error: " + message);
}

/// Python's spelling of what ICU spells differently.
std::string translated(std::string_view pattern) {
  std::string out;
  bool in_set = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char e = pattern[++i];
      if (e == 'Z' && !in_set) {
        out += "\\z";
      } else {
        out.push_back(c);
        out.push_back(e);
      }
    } else if (in_set) {
      if (c == ']') in_set = false;
      // In a set ICU knows nested sets and operators, Python does not.
      if (c == '[' || ((c == '&' || c == '-') && i + 1 < pattern.size() && pattern[i + 1] == c)) out.push_back('\\');
      out.push_back(c);
    } else if (c == '[') {
      in_set = true;
      out.push_back(c);
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out.push_back(pattern[++i]);
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') {
        out += "\\]";
        ++i;
      }
    } else if (pattern.substr(i, 4) == "(?P<") {
      out += "(?<";
      i += 3;
    } else if (pattern.substr(i, 4) == "(?P=") {
      const std::size_t end = pattern.find(')', i);
      if (end == std::string_view::npos) {
        out.push_back(c);
        continue;
      }
      out += "\\k<" + std::string(pattern.substr(i + 4, end - i - 4)) + ">";
      i = end;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

/// Group names of a pattern may have underscores in Python but not in ICU: they become "gx" + number.
class Groups {
 public:
  explicit Groups(std::string& pattern) {
    int number = 0;
    std::string out;
    bool in_set = false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '\\' && i + 1 < pattern.size()) {
        if (!in_set && pattern.compare(i, 3, "\\k<") == 0) {
          const std::size_t end = pattern.find('>', i);
          if (end != std::string::npos) {
            const auto group = find(pattern.substr(i + 3, end - i - 3));
            out += group ? "\\k<gx" + std::to_string(*group) + ">" : pattern.substr(i, end - i + 1);
            i = end;
            continue;
          }
        }
        out += pattern.substr(i, 2);
        ++i;
        continue;
      }
      if (pattern[i] == '[') in_set = true;
      if (pattern[i] == ']') in_set = false;
      if (pattern[i] == '(' && !in_set) {
        const bool special = i + 1 < pattern.size() && pattern[i + 1] == '?';
        const bool named = special && pattern.compare(i, 3, "(?<") == 0 && i + 3 < pattern.size() &&
                           pattern[i + 3] != '=' && pattern[i + 3] != '!';
        if (!special || named) ++number;
        if (named) {
          const std::size_t end = pattern.find('>', i);
          if (end != std::string::npos) {
            names_.emplace_back(pattern.substr(i + 3, end - i - 3), number);
            out += "(?<gx" + std::to_string(number) + ">";
            i = end;
            continue;
          }
        }
      }
      out.push_back(pattern[i]);
    }
    pattern = std::move(out);
  }

  std::optional<int> find(std::string_view name) const {
    for (const auto& [other, number] : names_)
      if (other == name) return number;
    return std::nullopt;
  }

 private:
  std::vector<std::pair<std::string, int>> names_;
};

/// The replacement, taken apart: literal text and numbers of groups in turn.
struct Piece {
  std::string text;
  int group = -1;
};

std::vector<Piece> parse_replacement(Runtime& runtime, std::string_view text, const Groups& groups, int group_count) {
  std::vector<Piece> pieces(1);
  const auto add_group = [&](std::optional<int> group, std::string_view name) {
    if (!group || *group > group_count) pattern_error(runtime, "invalid group reference " + std::string(name));
    pieces.push_back({"", *group});
    pieces.emplace_back();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      pieces.back().text.push_back(text[i]);
      continue;
    }
    if (++i == text.size()) pattern_error(runtime, "bad escape (end of pattern)");
    const char c = text[i];
    static constexpr std::string_view kNames = "abfnrtv\\";
    static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\";
    const auto octal = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
    const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
    if (const std::size_t k = kNames.find(c); k != std::string_view::npos) {
      pieces.back().text.push_back(kValues[k]);
    } else if (c == 'g') {
      const std::size_t end = text.find('>', i);
      if (i + 1 >= text.size() || text[i + 1] != '<' || end == std::string_view::npos)
        pattern_error(runtime, "missing <");
      const std::string_view name = text.substr(i + 2, end - i - 2);
      const ParsedInteger number = parse_integer(name, 10);
      const bool is_number = number.status == ParsedInteger::Status::kValid && number.value < 1000;
      add_group(is_number ? std::optional<int>(static_cast<int>(number.value)) : groups.find(name), name);
      i = end;
    } else if (c == '0' || (digit(i) && octal(i) && octal(i + 1) && octal(i + 2))) {
      char32_t value = 0;
      std::size_t end = i;
      while (end < i + 3 && octal(end)) value = value * 8 + static_cast<char32_t>(text[end++] - '0');
      append_utf8(pieces.back().text, value & 0x1FF);
      i = end - 1;
    } else if (digit(i)) {
      int group = c - '0';
      if (digit(i + 1)) group = group * 10 + (text[++i] - '0');
      add_group(group, std::to_string(group));
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      pattern_error(runtime, std::string("bad escape \\") + c);
    } else {
      pieces.back().text.push_back('\\');
      pieces.back().text.push_back(c);
    }
  }
  return pieces;
}

void check(Runtime& runtime, UErrorCode status, std::string_view pattern) {
  if (U_SUCCESS(status)) return;
  if (status == U_REGEX_TIME_OUT || status == U_REGEX_STACK_OVERFLOW)
    runtime.fail(TemplateError::Kind::kLimit, "regular expression " + text_repr(pattern) + " takes too long");
  pattern_error(runtime, "invalid pattern " + text_repr(pattern) + " (" + u_errorName(status) + ")");
}

icu::UnicodeString to_utf16(std::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
}

}  // namespace

Object regex_replace(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "regex_replace", arguments, {"pattern", "repl", "count"}, 2);
  if (self.is_undefined()) runtime.fail_undefined(self);
  if (!self.is_text())
    runtime.type_error("expected string or bytes-like object, got '" + std::string(type_name(self)) + "'");
  const std::string& pattern = p.text(0);
  const std::string& subject = self.text().bytes_utf8;
  runtime.check_size(subject.size() * 4);
  runtime.step(subject.size());
  std::int64_t left = p.integer(2, 0);
  if (left <= 0) left = std::numeric_limits<std::int64_t>::max();

  std::string spelled = translated(pattern);
  const Groups groups(spelled);
  UErrorCode status = U_ZERO_ERROR;
  UParseError where;
  const std::unique_ptr<icu::RegexPattern> compiled(
      icu::RegexPattern::compile(to_utf16(spelled), UREGEX_UNIX_LINES, where, status));
  check(runtime, status, pattern);
  const icu::UnicodeString text = to_utf16(subject);
  const std::unique_ptr<icu::RegexMatcher> matcher(compiled->matcher(text, status));
  check(runtime, status, pattern);
  matcher->setTimeLimit(kTimeLimit, status);
  matcher->setStackLimit(kStackLimitBytes, status);
  const std::vector<Piece> pieces = parse_replacement(runtime, p.text(1), groups, matcher->groupCount());

  std::string out;
  int32_t copied = 0;
  while (left-- > 0 && matcher->find(status) && U_SUCCESS(status)) {
    text.tempSubStringBetween(copied, matcher->start(status)).toUTF8String(out);
    for (const Piece& piece : pieces) {
      out += piece.text;
      if (piece.group >= 0) matcher->group(piece.group, status).toUTF8String(out);
    }
    copied = matcher->end(status);
    runtime.check_size(out.size());
    runtime.step();
  }
  check(runtime, status, pattern);
  text.tempSubStringBetween(copied).toUTF8String(out);
  return runtime.text(std::move(out));
}

}  // namespace candor::text::jinja
