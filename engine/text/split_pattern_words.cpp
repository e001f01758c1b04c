// Matchers for the published word patterns. They share one build: contractions, words, digits, other characters, white
// space, as alternatives in this order; what differs is data (WordRules).
//   GPT-2      's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   cl100k     Llama 3, Qwen 2 and 3: (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|...
//   o200k      gpt-oss, Llama 4, Tekken: two word alternatives by case, with the contraction at their end
//   DeepSeek   V3: ASCII punctuation that leads a word, \p{P} and \p{S} named instead of everything else
#include <array>
#include <optional>

#include "base/utf8.h"
#include "engine/text/split_pattern_program.h"
#include "engine/text/tokenizer_unicode.h"

namespace candor::text {
namespace {

enum class Contraction { kNone, kExact, kAsciiCase, kAnyCase };
enum class Words { kSpaced, kLed, kByCase, kDeepseek };

struct WordRules {
  Contraction contraction = Contraction::kNone;
  bool contraction_ends_word = false;  ///< A suffix of words rather than an alternative of its own.
  Words words = Words::kLed;
  CharClasses letters = kLetters;
  CharClasses lead = 0;        ///< What may stand once before the letters.
  std::size_t digits = 0;      ///< At most so many; 0: numbers have no alternative.
  bool digits_spaced = false;  ///< ` ?` before the digits.
  CharClasses other = 0;
  CharClasses after_other = 0;  ///< kNewline: `[\r\n]*` follows.
  bool slash_after_other = false;
  bool newline_alternative = false;  ///< `\s*[\r\n]+`
};

constexpr CharClasses kUpperish = kUpper | kOtherLetter | kMark;  // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
constexpr CharClasses kLowerish = kLower | kOtherLetter | kMark;  // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
constexpr std::size_t kUnlimited = ~std::size_t{0};

class WordFinder final : public MatchFinder {
 public:
  explicit WordFinder(const WordRules& rules) : rules_(rules), table_(CharTable::get()) {}

  void find_all(std::string_view text, std::vector<Span>& matches) override {
    text_ = text;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = match(at);
      if (end != 0) matches.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)});
      at = end != 0 ? end : at + utf8_length(text[at]);
    }
  }

 private:
  struct Char {
    CharClasses cls;  // 0 at the end of the text: in no set
    std::size_t next;
  };

  Char at(std::size_t position) const {
    if (position >= text_.size()) return {0, position};
    std::size_t next = position;
    const CharClasses cls = table_[next_code_point(text_, next)];
    return {cls, next};
  }
  char byte(std::size_t position) const { return position < text_.size() ? text_[position] : '\0'; }

  /// End of the run of these classes, at most `limit` characters.
  std::size_t run(std::size_t position, CharClasses classes, std::size_t limit = kUnlimited) const {
    for (; limit > 0; --limit) {
      const Char c = at(position);
      if (!(c.cls & classes)) break;
      position = c.next;
    }
    return position;
  }

  /// End of the match of the first alternative that matches at `start`; 0: none does.
  std::size_t match(std::size_t start) const {
    const Char first = at(start);
    if (!rules_.contraction_ends_word)
      if (const std::size_t end = contraction(start)) return end;
    if (const std::size_t end = word(start, first)) return end;
    if (rules_.digits != 0) {
      if (first.cls & kNumber) return run(first.next, kNumber, rules_.digits - 1);
      if (rules_.digits_spaced && byte(start) == ' ' && (at(first.next).cls & kNumber)) return run(first.next, kNumber);
    }
    if (const std::size_t end = other(start, first)) return end;
    return (first.cls & kWhiteSpace) ? white_space(start) : 0;
  }

  /// 's 't 're 've 'm 'll 'd
  std::size_t contraction(std::size_t start) const {
    if (rules_.contraction == Contraction::kNone || byte(start) != '\'') return 0;
    const auto lower = [&](std::size_t position) {
      const char c = byte(position);
      return rules_.contraction != Contraction::kExact && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    const char a = lower(start + 1), b = lower(start + 2);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return start + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return start + 3;
    // U+017F, the long s, folds to s; no other letter of these folds to more than its two cases.
    if (rules_.contraction == Contraction::kAnyCase && text_.substr(start + 1).starts_with("\xc5\xbf"))
      return start + 3;
    return 0;
  }

  std::size_t word(std::size_t start, Char first) const {
    switch (rules_.words) {
      case Words::kSpaced:
        if (byte(start) == ' ' && (at(first.next).cls & rules_.letters)) return run(first.next, rules_.letters);
        return (first.cls & rules_.letters) ? run(first.next, rules_.letters) : 0;
      case Words::kDeepseek:
        if (is_ascii_punctuation(byte(start)) && is_ascii_letter(byte(first.next))) {
          std::size_t end = first.next;
          while (is_ascii_letter(byte(end))) ++end;
          return end;
        }
        [[fallthrough]];
      case Words::kLed:
        if ((first.cls & rules_.lead) && (at(first.next).cls & rules_.letters)) return run(first.next, rules_.letters);
        return (first.cls & rules_.letters) ? run(first.next, rules_.letters) : 0;
      case Words::kByCase:
        return word_by_case(start, first);
    }
    return 0;
  }

  /// L?U*W+S?|L?U+W*S? with L what may lead, U upperish, W lowerish, S a contraction: as a backtracking engine tries
  /// it.
  std::size_t word_by_case(std::size_t start, Char first) const {
    const bool may_lead = first.cls & rules_.lead;
    if (may_lead)
      if (const std::size_t end = upper_then_lower(first.next)) return with_contraction(end);
    if (const std::size_t end = upper_then_lower(start)) return with_contraction(end);
    const std::size_t begin = may_lead && (at(first.next).cls & kUpperish) ? first.next : start;
    const std::size_t upper_end = run(begin, kUpperish);
    if (upper_end == begin) return 0;
    return with_contraction(run(upper_end, kLowerish));
  }

  /// U*W+: U* takes all it can and gives back until W+ has one character. 0: no match.
  std::size_t upper_then_lower(std::size_t begin) const {
    const std::size_t upper_end = run(begin, kUpperish);
    if (at(upper_end).cls & kLowerish) return run(upper_end, kLowerish);
    for (std::size_t end = upper_end; end > begin;) {
      const std::size_t last = previous_character(text_, end);
      if (at(last).cls & kLowerish) return end;
      end = last;
    }
    return 0;
  }

  std::size_t with_contraction(std::size_t end) const {
    if (!rules_.contraction_ends_word) return end;
    const std::size_t longer = contraction(end);
    return longer != 0 ? longer : end;
  }

  std::size_t other(std::size_t start, Char first) const {
    std::size_t begin = start;
    if (byte(start) == ' ') {
      if (!(at(first.next).cls & rules_.other)) return 0;
      begin = first.next;
    } else if (!(first.cls & rules_.other)) {
      return 0;
    }
    std::size_t end = run(begin, rules_.other);
    if (rules_.after_other != 0)
      while (byte(end) == '\r' || byte(end) == '\n' || (rules_.slash_after_other && byte(end) == '/')) ++end;
    return end;
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+` or its last two alternatives.
  std::size_t white_space(std::size_t start) const {
    std::size_t end = start, last = start, after_newline = 0;
    for (Char c = at(end); c.cls & kWhiteSpace; c = at(end)) {
      if (c.cls & kNewline) after_newline = c.next;
      last = end;
      end = c.next;
    }
    if (rules_.newline_alternative && after_newline != 0) return after_newline;
    return end == text_.size() || last == start ? end : last;
  }

  static bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static bool is_ascii_punctuation(char c) {
    return c > ' ' && c < 0x7f && !is_ascii_letter(c) && !(c >= '0' && c <= '9');
  }

  const WordRules& rules_;
  const CharTable& table_;
  std::string_view text_;
};

class WordProgram final : public SplitPattern::Program {
 public:
  explicit WordProgram(const WordRules& rules) : rules_(rules) {}
  std::unique_ptr<MatchFinder> finder() const override { return std::make_unique<WordFinder>(rules_); }
  bool is_specialised() const noexcept override { return true; }

 private:
  WordRules rules_;
};

/// Reads a pattern part by part; each part has one of a few spellings, and any other leaves the pattern to ICU.
class WordPatternReader {
 public:
  explicit WordPatternReader(std::string_view pattern) : left_(pattern) {}

  std::optional<WordRules> read() {
    contraction();
    if (!words()) return std::nullopt;
    digits();
    if (!other()) return std::nullopt;
    rules_.newline_alternative = take("\\s*[\\r\\n]+|");
    if (left_ != "\\s+(?!\\S)|\\s+") return std::nullopt;
    return rules_;
  }

 private:
  bool take(std::string_view part) {
    if (!left_.starts_with(part)) return false;
    left_.remove_prefix(part.size());
    return true;
  }

  void contraction() {
    if (take("(?i:'s|'t|'re|'ve|'m|'ll|'d)|") || take("'(?i:[sdmt]|ll|ve|re)|"))
      rules_.contraction = Contraction::kAnyCase;
    else if (take("(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|"))
      rules_.contraction = Contraction::kAsciiCase;
    else if (take("'s|'t|'re|'ve|'m|'ll|'d|") || take("'(?:[sdmt]|ll|ve|re)|"))
      rules_.contraction = Contraction::kExact;
  }

  bool words() {
    constexpr CharClasses kNotNewlineLetterNumber = kAllClasses & ~(kNewline | kLetters | kNumber);
    rules_.lead = kNotNewlineLetterNumber;
    if (take("[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|")) return true;
    if (take("[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|")) {
      rules_.letters = kLetters | kMark;
      return true;
    }
    if (take(" ?\\p{L}+|")) {
      rules_.words = Words::kSpaced;
      return true;
    }
    if (take("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|")) {
      rules_.words = Words::kDeepseek;
      rules_.letters = kLetters | kMark;
      rules_.lead = kAllClasses & ~(kNewline | kLetters | kPunctuation | kSymbol);
      return true;
    }
    return words_by_case();
  }

  bool words_by_case() {
    constexpr std::string_view kLead = "[^\\r\\n\\p{L}\\p{N}]?", kU = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]",
                               kW = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]", kSuffix = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
    if (rules_.contraction != Contraction::kNone) return false;
    if (!take(kLead) || !take(kU) || !take("*") || !take(kW) || !take("+")) return false;
    rules_.contraction_ends_word = take(kSuffix);
    if (!take("|") || !take(kLead) || !take(kU) || !take("+") || !take(kW) || !take("*")) return false;
    if (rules_.contraction_ends_word != take(kSuffix) || !take("|")) return false;
    if (rules_.contraction_ends_word) rules_.contraction = Contraction::kAnyCase;
    rules_.words = Words::kByCase;
    return true;
  }

  void digits() {
    if (take("\\p{N}{1,3}|")) {
      rules_.digits = 3;
    } else if (take("\\p{N}|")) {
      rules_.digits = 1;
    } else if (take("\\p{N}+|")) {
      rules_.digits = kUnlimited;
    } else if (take(" ?\\p{N}+|")) {
      rules_.digits = kUnlimited;
      rules_.digits_spaced = true;
    }
  }

  bool other() {
    rules_.other = kAllClasses & ~(kWhiteSpace | kLetters | kNumber);
    if (take(" ?[^\\s\\p{L}\\p{M}\\p{N}]+"))
      rules_.other &= static_cast<CharClasses>(~kMark);
    else if (take(" ?[\\p{P}\\p{S}]+"))
      rules_.other = kPunctuation | kSymbol;
    else if (!take(" ?[^\\s\\p{L}\\p{N}]+"))
      return false;
    if (take("[\\r\\n]*")) {
      rules_.after_other = kNewline;
    } else if (take("[\\r\\n/]*")) {
      rules_.after_other = kNewline;
      rules_.slash_after_other = true;
    }
    return take("|");
  }

  std::string_view left_;
  WordRules rules_;
};

/// Files write the same pattern with control characters as they are or escaped, and with \" for ".
std::string canonical(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' && i + 1 < pattern.size()) {
      ++i;
      if (pattern[i] != '"') out += '\\';
      out += pattern[i];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::unique_ptr<const SplitPattern::Program> compile_words(std::string_view pattern) {
  const std::string text = canonical(pattern);
  const auto rules = WordPatternReader(text).read();
  return rules ? std::make_unique<WordProgram>(*rules) : nullptr;
}

}  // namespace candor::text
