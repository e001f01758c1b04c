#include "scoring/rules.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>

#include "base/error.h"
#include "base/fields.h"
#include "base/json.h"
#include "base/utf8.h"
#include "scoring/embedded.h"
#include "scoring/han.h"

namespace candor::scoring {
namespace {

constexpr std::array<std::string_view, kRuleClasses> kClassNames = {
    "refuse",  "endorse",  "cannot", "disclaim", "unable", "policy",    "identity",
    "apology", "deflect",  "offer",  "redirect", "denial", "narrative", "fiction",
    "persona", "contrast", "hedge",  "comply",   "cancel", "reported"};

/// The set's automaton is built as texts need it. Beyond this it starts over, which costs time and not correctness.
constexpr std::int64_t kSetMemoryBytes = std::int64_t{256} << 20;
constexpr std::int64_t kRuleMemoryBytes = std::int64_t{8} << 20;

RE2::Options options(std::int64_t memory_bytes) {
  RE2::Options result;
  result.set_max_mem(memory_bytes);
  result.set_log_errors(false);
  result.set_dot_nl(true);
  return result;
}

RuleClass class_from_name(std::string_view name, const std::string& where) {
  for (std::size_t i = 0; i < kRuleClasses; ++i)
    if (kClassNames[i] == name) return static_cast<RuleClass>(i);
  throw Error(ErrorKind::kBadInput, where, "'" + std::string(name) + "' is no class of rules", "see rules/README.md");
}

using Parts = std::vector<std::pair<std::string, std::string>>;

/// Puts parts in for {name}; parts may name parts before them.
std::string with_parts(std::string_view pattern, const Parts& parts, const std::string& where) {
  std::string result;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] != '{' || at + 1 >= pattern.size() || pattern[at + 1] < 'a' || pattern[at + 1] > 'z' ||
        (at > 0 && pattern[at - 1] == 'p')) {  // \p{Han} is no part
      result += pattern[at];
      continue;
    }
    const std::size_t end = pattern.find('}', at);
    const std::string_view name = pattern.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
    const auto part = std::find_if(parts.begin(), parts.end(), [&](const auto& p) { return p.first == name; });
    if (part == parts.end())
      throw Error(ErrorKind::kBadInput, where, "the part {" + std::string(name) + "} is not in 'parts'");
    result += part->second;
    at = end;
  }
  return result;
}

}  // namespace

std::string_view rule_class_name(RuleClass rule_class) {
  return kClassNames[static_cast<std::size_t>(rule_class)];
}

std::string widen_pattern(std::string_view pattern, const Parts& parts, bool word_start, bool chinese,
                          const std::string& where) {
  const std::string full = with_parts(pattern, parts, where);
  std::string result;
  if (word_start && !full.empty() && full.front() != '^' && full.front() != '\\') result += "\\b";
  result += "(?:";
  bool in_class = false;
  for (std::size_t at = 0; at < full.size();) {
    const std::size_t from = at;
    const char32_t c = next_code_point(full, at);
    if (c == U'\\' && at < full.size()) {
      next_code_point(full, at);
      result.append(full, from, at - from);
      continue;
    }
    if (c == U'[') in_class = true;
    if (c == U']') in_class = false;
    const std::u32string_view traditional = chinese ? traditional_forms(c) : std::u32string_view{};
    if (c == U' ' && !in_class) {
      const bool optional = at < full.size() && full[at] == '?';
      result += optional ? "[ *_]*" : "[ *_]+";
      at += optional;
    } else if (c == U'\'' && !in_class) {
      result += "['\u2019\u2018`\u00b4]";
      if (at >= full.size() || full[at] != '?') result += '?';
    } else if (!traditional.empty()) {
      if (!in_class) result += '[';
      result.append(full, from, at - from);
      for (const char32_t form : traditional) append_utf8(result, form);
      if (!in_class) result += ']';
    } else {
      result.append(full, from, at - from);
    }
  }
  return result + ")";
}

struct RuleBook::State {
  struct Rule {
    std::string id;
    std::string language;
    RuleClass rule_class;
    std::unique_ptr<RE2> pattern;
  };
  /// The rules of one file, [first, first + count) of all. A set per language: together their automaton would have to
  /// remember half-matches in fifteen languages at once, and would outgrow any memory.
  struct Language {
    std::string code;
    std::uint32_t first = 0;
    RE2::Set set{options(kSetMemoryBytes), RE2::UNANCHORED};
    explicit Language(std::string language) : code(std::move(language)) {}
  };
  std::vector<Rule> rules;
  std::vector<std::unique_ptr<Language>> languages;

  void load(std::string_view name, std::string_view content) {
    const std::string where(name);
    const Value file = parse_yaml(content, where);
    Fields fields(file, where);
    const std::string language = fields.text("language");
    const bool word_start = fields.boolean("word_start");
    languages.push_back(std::make_unique<Language>(language));
    languages.back()->first = static_cast<std::uint32_t>(rules.size());
    Parts parts;
    if (const Value* given = fields.optional_dict("parts"))
      for (const auto& [part, pattern] : given->dict())
        parts.emplace_back(part, with_parts(pattern.text(), parts, where));
    for (const auto& [class_name, rules_of_class] : fields.dict("rules").dict())
      for (const auto& [id, pattern] : rules_of_class.dict())
        add(language, class_from_name(class_name, where), id,
            widen_pattern(pattern.text(), parts, word_start, language == "zh", where), where);
    fields.finish();
    CANDOR_CHECK(languages.back()->set.Compile(), "the rules of a language fit into the memory of a set");
  }

  void add(const std::string& language, RuleClass rule_class, const std::string& id, const std::string& pattern,
           const std::string& where) {
    std::string problem;
    auto compiled = std::make_unique<RE2>(pattern, options(kRuleMemoryBytes));
    if (!compiled->ok() || languages.back()->set.Add(pattern, &problem) < 0)
      throw Error(ErrorKind::kBadInput, where + ": rule '" + id + "'", compiled->error() + problem);
    rules.push_back({language + "." + std::string(rule_class_name(rule_class)) + "." + id, language, rule_class,
                     std::move(compiled)});
  }
};

RuleBook::RuleBook() {
  auto state = std::make_unique<State>();
  for (const EmbeddedFile& file : embedded_files())
    if (file.name.ends_with(".yaml") && file.name != "rules/languages.yaml") state->load(file.name, file.content);
  state_ = std::move(state);
}
RuleBook::RuleBook(RuleBook&&) noexcept = default;
RuleBook::~RuleBook() = default;

const std::string& RuleBook::id(std::uint32_t rule) const noexcept {
  return state_->rules[rule].id;
}
const std::string& RuleBook::language(std::uint32_t rule) const noexcept {
  return state_->rules[rule].language;
}
std::size_t RuleBook::size() const noexcept {
  return state_->rules.size();
}

std::vector<Hit> RuleBook::find(std::string_view text, std::span<const std::string_view> languages) const {
  std::vector<Hit> hits;
  std::vector<int> matched;
  const re2::StringPiece piece(text.data(), text.size());
  for (std::size_t i = 0; i < state_->languages.size(); ++i) {
    const State::Language& language = *state_->languages[i];
    if (std::find(languages.begin(), languages.end(), language.code) == languages.end()) continue;
    const std::uint32_t end = i + 1 < state_->languages.size() ? state_->languages[i + 1]->first
                                                               : static_cast<std::uint32_t>(state_->rules.size());
    RE2::Set::ErrorInfo problem{};
    matched.clear();
    if (!language.set.Match(piece, &matched, &problem)) {
      if (problem.kind == RE2::Set::kNoError) continue;
      // The automaton did not fit: every rule is tried alone, which is slower and finds the same.
      matched.resize(end - language.first);
      for (std::size_t rule = 0; rule < matched.size(); ++rule) matched[rule] = static_cast<int>(rule);
    }
    for (const int index : matched) {
      const std::uint32_t rule = language.first + static_cast<std::uint32_t>(index);
      std::size_t at = 0;
      re2::StringPiece span;
      for (int place = 0; place < kPlaces && at <= text.size(); ++place) {
        if (!state_->rules[rule].pattern->Match(piece, at, text.size(), RE2::UNANCHORED, &span, 1)) break;
        const auto from = static_cast<std::uint32_t>(span.data() - text.data());
        const auto to = static_cast<std::uint32_t>(from + span.size());
        hits.push_back({rule, state_->rules[rule].rule_class, from, to, false});
        at = std::max<std::size_t>(to, from + 1);
      }
    }
  }
  std::sort(hits.begin(), hits.end(),
            [](const Hit& a, const Hit& b) { return a.from != b.from ? a.from < b.from : a.rule < b.rule; });
  return hits;
}

}  // namespace candor::scoring
