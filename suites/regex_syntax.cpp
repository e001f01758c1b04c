// What the two engines read differently (Lib/re/_parser.py; ICU user guide, "Regular Expressions"): \Z, \w, \s, \b,
// (?P<name>...), {,n}, set operators inside brackets, octal escapes, global flags. The rest passes through, every
// literal as an escaped code point so that no character means more than in Python.

#include "suites/regex_syntax.h"

#include <cstdio>
#include <map>
#include <optional>

#include "base/utf8.h"
#include "suites/regex.h"

namespace candor::suites {
namespace {

// str.isalnum() or '_'; str.isspace().
constexpr std::string_view kWord = "\\p{L}\\p{N}_";
constexpr std::string_view kSpace = "\\x{9}-\\x{D}\\x{1C}-\\x{20}\\x{85}\\p{Z}";
constexpr std::string_view kAsciiWord = "a-zA-Z0-9_";
constexpr std::string_view kAsciiSpace = "\\x{9}-\\x{D}\\x{20}";

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  IcuPattern run() {
    alternatives(0);
    if (at_ < in_.size()) fail("unbalanced parenthesis");
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw RegexError(what + " at position " + std::to_string(count_code_points(in_.substr(0, at_))));
  }

  bool done() const { return at_ >= in_.size(); }
  bool looking_at(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!looking_at(text)) return false;
    at_ += text.size();
    return true;
  }

  void emit(std::string_view text) { out_.source += text; }
  void emit_literal(char32_t c) {
    // Without regard to case ICU folds literals to several characters (ß matches SS), sets to one, as Python does.
    if (folds_) out_.source += '[';
    append(out_.source, c);
    if (folds_) out_.source += ']';
  }

  std::string word() const { return std::string(ascii_ ? kAsciiWord : kWord); }
  std::string space() const { return std::string(ascii_ ? kAsciiSpace : kSpace); }
  std::string digit() const { return ascii_ ? "0-9" : "\\p{Nd}"; }

  void alternatives(int depth) {
    if (depth > 200) fail("groups are nested too deep");
    while (!done() && in_[at_] != ')') {
      if (take("|")) {
        emit("|");
        continue;
      }
      if (verbose_ && skip_verbose()) continue;
      switch (atom(depth)) {
        case Atom::kItem:
          quantifier();
          break;
        case Atom::kPlace:
          refuse_quantifier();
          break;
        case Atom::kNothing:
          break;
      }
    }
  }

  bool skip_verbose() {
    const char c = in_[at_];
    if (c == ' ' || (c >= '\t' && c <= '\r')) return ++at_, true;
    if (c != '#') return false;
    while (!done() && in_[at_] != '\n') ++at_;
    return true;
  }

  enum class Atom { kNothing, kPlace, kItem };  ///< A place (^, \b) is not to be repeated.

  Atom atom(int depth) {
    const char c = in_[at_];
    if (c == '(') return group(depth) ? Atom::kItem : Atom::kNothing;
    if (c == '[') return bracket(), Atom::kItem;
    if (c == '\\') return escape();
    if (c == '^' || c == '$' || c == '.') return ++at_, emit(std::string(1, c)), c == '.' ? Atom::kItem : Atom::kPlace;
    if (c == '*' || c == '+' || c == '?' || (c == '{' && repeat_at(at_))) fail("nothing to repeat");
    emit_literal(next_code_point(in_, at_));
    return Atom::kItem;
  }

  void refuse_quantifier() {
    while (verbose_ && !done() && skip_verbose()) {
    }
    if (!done() && (in_[at_] == '*' || in_[at_] == '+' || in_[at_] == '?' || (in_[at_] == '{' && repeat_at(at_))))
      fail("nothing to repeat");
  }

  struct Repeat {
    std::string text;
    std::size_t end;
  };

  /// {m}, {m,}, {,n}, {m,n}; anything else in braces is literal.
  std::optional<Repeat> repeat_at(std::size_t at) const {
    std::size_t i = at + 1;
    const auto digits = [&] {
      const std::size_t from = i;
      while (i < in_.size() && in_[i] >= '0' && in_[i] <= '9') ++i;
      return std::string(in_.substr(from, i - from));
    };
    const std::string low = digits();
    std::string high = low;
    const bool comma = i < in_.size() && in_[i] == ',';
    if (comma) ++i, high = digits();
    if (i >= in_.size() || in_[i] != '}' || (!comma && low.empty())) return std::nullopt;
    if (low.size() > 6 || high.size() > 6) fail("the repeat count is too large");
    std::string text = "{" + (low.empty() ? "0" : low);
    if (comma) text += "," + high;
    return Repeat{text + "}", i + 1};
  }

  void quantifier() {
    while (verbose_ && !done() && skip_verbose()) {
    }
    if (done()) return;
    const char c = in_[at_];
    if (c == '*' || c == '+' || c == '?') {
      ++at_;
      emit(std::string(1, c));
    } else if (c == '{') {
      const std::optional<Repeat> repeat = repeat_at(at_);
      if (!repeat) return;
      at_ = repeat->end;
      emit(repeat->text);
    } else {
      return;
    }
    if (take("?"))
      emit("?");
    else if (take("+"))
      emit("+");
    if (!done() && (in_[at_] == '*' || in_[at_] == '+' || in_[at_] == '?' || (in_[at_] == '{' && repeat_at(at_))))
      fail("multiple repeat");
  }

  /// @returns whether it is something to be repeated.
  bool group(int depth) {
    const std::size_t start = at_;
    ++at_;
    const bool verbose = verbose_, ascii = ascii_;
    const char* end = ")";  // ICU repeats no look-around: it gets a group of its own
    if (take("?")) {
      if (take("#")) {
        while (!done() && in_[at_] != ')') ++at_;
        if (!take(")")) fail("missing ), unterminated comment");
        return false;
      }
      if (take("P<")) {
        names_[name('>')] = ++out_.groups;
        emit("(");
      } else if (take("P=")) {
        reference_by_name();
        return true;
      } else if (take("P")) {
        fail("unknown extension ?P");
      } else if (looking_at("(")) {
        fail("conditional groups are not supported");
      } else if (take("<=")) {
        emit("(?:(?<="), end = "))";
      } else if (take("<!")) {
        emit("(?:(?<!"), end = "))";
      } else if (take("=")) {
        emit("(?:(?="), end = "))";
      } else if (take("!")) {
        emit("(?:(?!"), end = "))";
      } else if (take(">")) {
        emit("(?>");
      } else if (take(":")) {
        emit("(?:");
      } else if (flags(start)) {
        return false;
      }
    } else {
      ++out_.groups;
      emit("(");
    }
    alternatives(depth + 1);
    if (!take(")")) fail("missing ), unterminated subpattern");
    emit(end);
    verbose_ = verbose, ascii_ = ascii;
    return true;
  }

  std::string name(char end) {
    const std::size_t close = in_.find(end, at_);
    if (close == std::string_view::npos || close == at_) fail("missing group name");
    std::string text(in_.substr(at_, close - at_));
    if (end == '>' && names_.contains(text)) fail("redefinition of group name '" + text + "'");
    at_ = close + 1;
    return text;
  }

  void reference_by_name() {
    const std::string text = name(')');
    const auto found = names_.find(text);
    if (found == names_.end()) fail("unknown group name '" + text + "'");
    emit_reference(found->second);
  }

  // The empty group keeps a digit behind the reference from joining it.
  void emit_reference(std::size_t number) { emit("(?:\\" + std::to_string(number) + ")"); }

  /// Flags behind "(?". True: they hold for the whole pattern and the parenthesis is closed.
  bool flags(std::size_t start) {
    std::string on, off;
    bool negative = false;
    while (!done() && in_[at_] != ')' && in_[at_] != ':') {
      const char flag = in_[at_];
      if (flag == '-' && !negative) {
        negative = true;
      } else if (std::string_view("aimsux").find(flag) != std::string_view::npos) {
        (negative ? off : on) += flag;
      } else {
        fail(std::string("unknown flag '") + flag + "'");
      }
      ++at_;
    }
    folds_ = folds_ || on.find('i') != std::string::npos;
    const auto set = [](const std::string& flags, char flag) { return flags.find(flag) != std::string::npos; };
    if (take(")")) {
      if (start != 0 || negative) fail("global flags must stand at the start of the pattern");
      ascii_ = ascii_ || set(on, 'a'), verbose_ = verbose_ || set(on, 'x');
      out_.ignore_case = set(on, 'i'), out_.multiline = set(on, 'm'), out_.dot_all = set(on, 's');
      return true;
    }
    if (!take(":")) fail("missing )");
    if (set(on, 'a')) ascii_ = true;
    if (set(on, 'u')) ascii_ = false;
    if (set(on, 'x')) verbose_ = true;
    if (set(off, 'x')) verbose_ = false;
    std::string icu = "(?";
    for (const char flag : on)
      if (flag == 'i' || flag == 'm' || flag == 's') icu += flag;
    std::string less;
    for (const char flag : off)
      if (flag == 'i' || flag == 'm' || flag == 's') less += flag;
    if (!less.empty()) icu += "-" + less;
    emit(icu + ":");
    return false;
  }

  /// The class of \d, \D, \w, \W, \s, \S as members of a set, or nothing.
  std::optional<std::string> class_members(char c) const {
    switch (c) {
      case 'd':
        return digit();
      case 'D':
        return "[^" + digit() + "]";
      case 'w':
        return word();
      case 'W':
        return "[^" + word() + "]";
      case 's':
        return space();
      case 'S':
        return "[^" + space() + "]";
      default:
        return std::nullopt;
    }
  }

  Atom escape() {
    ++at_;
    if (done()) fail("bad escape (end of pattern)");
    const char c = in_[at_];
    if (const std::optional<std::string> members = class_members(c)) {
      ++at_;
      emit("[" + *members + "]");
    } else if (c == 'A' || c == 'Z') {
      ++at_;
      emit(c == 'A' ? "\\A" : "\\z");
      return Atom::kPlace;
    } else if (c == 'b' || c == 'B') {
      ++at_;
      const std::string w = "[" + word() + "]";
      emit(c == 'b' ? "(?:(?<=" + w + ")(?!" + w + ")|(?<!" + w + ")(?=" + w + "))"
                    : "(?:(?<=" + w + ")(?=" + w + ")|(?<!" + w + ")(?!" + w + "))");
      return Atom::kPlace;
    } else if (c >= '1' && c <= '9' && !three_octal_digits()) {
      std::size_t number = static_cast<std::size_t>(c - '0');
      ++at_;
      if (!done() && in_[at_] >= '0' && in_[at_] <= '9')
        number = number * 10 + static_cast<std::size_t>(in_[at_++] - '0');
      if (number > out_.groups) fail("invalid group reference " + std::to_string(number));
      emit_reference(number);
    } else {
      emit_literal(character_escape(false));
    }
    return Atom::kItem;
  }

  bool three_octal_digits() const {
    if (at_ + 3 > in_.size() || in_[at_] > '3') return false;
    for (std::size_t i = at_; i < at_ + 3; ++i)
      if (in_[i] < '0' || in_[i] > '7') return false;
    return true;
  }

  char32_t hexadecimal(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = done() ? '\0' : in_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("incomplete escape");
      value = value * 16 + static_cast<char32_t>(digit);
      ++at_;
    }
    if (value > 0x10FFFF) fail("bad escape: no such character");
    return value;
  }

  /// Behind a backslash, an escape that stands for one character.
  char32_t character_escape(bool in_set) {
    const char c = in_[at_];
    switch (c) {
      case 'a':
        return ++at_, U'\a';
      case 'f':
        return ++at_, U'\f';
      case 'n':
        return ++at_, U'\n';
      case 'r':
        return ++at_, U'\r';
      case 't':
        return ++at_, U'\t';
      case 'v':
        return ++at_, U'\v';
      case 'x':
        return ++at_, hexadecimal(2);
      case 'u':
        return ++at_, hexadecimal(4);
      case 'U':
        return ++at_, hexadecimal(8);
      default:
        break;
    }
    if (in_set && c == 'b') return ++at_, U'\b';
    if (c >= '0' && c <= '7') {
      char32_t value = 0;
      for (int i = 0; i < 3 && !done() && in_[at_] >= '0' && in_[at_] <= '7'; ++i)
        value = value * 8 + static_cast<char32_t>(in_[at_++] - '0');
      if (value > 0377) fail("octal escape outside of range");
      return value;
    }
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '8' && c <= '9'))
      fail(std::string("bad escape \\") + c);
    return next_code_point(in_, at_);
  }

  void bracket() {
    ++at_;
    std::string set = take("^") ? "[^" : "[";
    for (bool first = true;; first = false) {
      if (done()) fail("unterminated character set");
      if (in_[at_] == ']' && !first) break;
      const std::optional<char32_t> low = member(set);
      const bool range = looking_at("-") && at_ + 1 < in_.size() && in_[at_ + 1] != ']';
      if (!low) {
        if (range) fail("bad character range");
        continue;
      }
      if (range) {
        ++at_;
        const std::optional<char32_t> high = member(set);
        if (!high || *high < *low) fail("bad character range");
        append(set, *low);
        set += '-';
        append(set, *high);
      } else {
        append(set, *low);
      }
    }
    ++at_;
    emit(set + "]");
  }

  /// A character, or nothing when a class was appended to `set`.
  std::optional<char32_t> member(std::string& set) {
    if (done()) fail("unterminated character set");
    if (in_[at_] != '\\') return next_code_point(in_, at_);
    ++at_;
    if (done()) fail("bad escape (end of pattern)");
    if (const std::optional<std::string> members = class_members(in_[at_])) {
      ++at_;
      set += *members;
      return std::nullopt;
    }
    return character_escape(true);
  }

  static void append(std::string& set, char32_t c) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "\\x{%X}", static_cast<unsigned>(c));
    set += buffer;
  }

  std::string_view in_;
  std::size_t at_ = 0;
  IcuPattern out_;
  std::map<std::string, std::size_t> names_;
  bool verbose_ = false, ascii_ = false, folds_ = false;
};

}  // namespace

IcuPattern translate_pattern(std::string_view python) {
  return Translator(python).run();
}

}  // namespace candor::suites
