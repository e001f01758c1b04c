#include "suites/regex.h"

#include <unicode/regex.h>
#include <unicode/unistr.h>

#include "base/utf8.h"
#include "suites/regex_syntax.h"

namespace candor::suites {
namespace {

constexpr std::int32_t kTimeLimit = 2000;       // ICU's unit: about a millisecond, counted in steps of the engine
constexpr std::int32_t kStackLimit = 64 << 20;  // bytes of saved states

icu::UnicodeString utf16(std::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}

std::string utf8(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

std::unique_ptr<icu::RegexPattern> compile(const std::string& source, const IcuPattern& options) {
  std::uint32_t flags = UREGEX_UNIX_LINES;  // Python knows one line end: \n
  if (options.ignore_case) flags |= UREGEX_CASE_INSENSITIVE;
  if (options.multiline) flags |= UREGEX_MULTILINE;
  if (options.dot_all) flags |= UREGEX_DOTALL;
  UErrorCode status = U_ZERO_ERROR;
  UParseError place{};
  std::unique_ptr<icu::RegexPattern> pattern(icu::RegexPattern::compile(utf16(source), flags, place, status));
  if (U_FAILURE(status) || !pattern) throw RegexError(std::string("it does not compile: ") + u_errorName(status));
  return pattern;
}

void check(UErrorCode status) {
  if (status == U_REGEX_TIME_OUT || status == U_REGEX_STACK_OVERFLOW)
    throw RegexError("the search takes too long: the pattern backtracks without end");
  if (U_FAILURE(status)) throw RegexError(std::string("the search failed: ") + u_errorName(status));
}

}  // namespace

struct Regex::State {
  std::unique_ptr<icu::RegexPattern> pattern;
  std::unique_ptr<icu::RegexPattern> not_empty;  ///< The same, refusing an empty match at its start.
  std::size_t groups = 0;

  std::unique_ptr<icu::RegexMatcher> matcher(const icu::RegexPattern& of, const icu::UnicodeString& text) const {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<icu::RegexMatcher> matcher(of.matcher(text, status));
    if (U_SUCCESS(status)) matcher->setTimeLimit(kTimeLimit, status);
    if (U_SUCCESS(status)) matcher->setStackLimit(kStackLimit, status);
    check(status);
    return matcher;
  }

  /// Calls use(matcher) for each match that Python's scanner finds. Unlike ICU's, it tries again at the place of an
  /// empty match for one that is not empty (Modules/_sre/sre.c, must_advance).
  template <typename Use>
  void scan(const icu::UnicodeString& text, const Use& use) const {
    const std::unique_ptr<icu::RegexMatcher> any = matcher(*pattern, text);
    std::unique_ptr<icu::RegexMatcher> advancing;
    UErrorCode status = U_ZERO_ERROR;
    std::int32_t from = 0;
    bool must_advance = false;
    while (from <= text.length()) {
      icu::RegexMatcher* found = nullptr;
      if (must_advance) {
        if (!advancing) advancing = matcher(*not_empty, text);
        advancing->reset();
        advancing->region(from, text.length(), status);
        advancing->useTransparentBounds(true);
        advancing->useAnchoringBounds(false);
        if (advancing->lookingAt(status) && advancing->end(status) > from) found = advancing.get();
        check(status);
        if (found == nullptr) {
          from = text.moveIndex32(from, 1) + (from == text.length() ? 1 : 0);
          must_advance = false;
          continue;
        }
      } else {
        if (any->find(from, status)) found = any.get();
        check(status);
        if (found == nullptr) return;
      }
      use(*found);
      from = found->end(status);
      must_advance = found->start(status) == from;
      check(status);
    }
  }
};

Regex::Regex(std::string_view pattern) {
  if (pattern.size() > 1 << 20) throw RegexError("it is longer than a megabyte");
  const IcuPattern translated = translate_pattern(pattern);
  auto state = std::make_unique<State>();
  state->groups = translated.groups;
  state->pattern = compile(translated.source, translated);
  state->not_empty = compile("(?:" + translated.source + ")(?<!\\G)", translated);
  state_ = std::move(state);
}

Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::size_t Regex::groups() const noexcept {
  return state_->groups;
}

std::vector<std::vector<std::string>> Regex::find_all(std::string_view text) const {
  const icu::UnicodeString subject = utf16(text);
  std::vector<std::vector<std::string>> all;
  state_->scan(subject, [&](const icu::RegexMatcher& match) {
    UErrorCode status = U_ZERO_ERROR;
    std::vector<std::string>& groups = all.emplace_back();
    const auto last = static_cast<std::int32_t>(state_->groups);
    for (std::int32_t group = last == 0 ? 0 : 1; group <= last; ++group)
      groups.push_back(utf8(match.group(group, status)));
    check(status);
  });
  return all;
}

std::string Regex::remove_all(std::string_view text) const {
  const icu::UnicodeString subject = utf16(text);
  icu::UnicodeString kept;
  std::int32_t from = 0;
  state_->scan(subject, [&](const icu::RegexMatcher& match) {
    UErrorCode status = U_ZERO_ERROR;
    kept.append(subject, from, match.start(status) - from);
    from = match.end(status);
    check(status);
  });
  kept.append(subject, from, subject.length() - from);
  return utf8(kept);
}

std::string regex_escape(std::string_view text) {
  constexpr std::string_view kSpecial = "()[]{}?*+-|^$\\.&~# \t\n\r\v\f";
  std::string out;
  for (const char c : text) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace candor::suites
