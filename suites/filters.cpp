#include "suites/filters.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/fields.h"
#include "base/utf8.h"
#include "engine/text/python.h"
#include "suites/regex.h"

namespace candor::suites {
namespace {

constexpr const char* kDefaultPattern = "#### (\\-?[0-9\\.\\,]+)";

/// The items that Python iterates over.
Value::List items(Value responses) {
  if (responses.is_list()) return std::move(responses.list());
  Value::List characters;
  if (!responses.is_text()) return characters;
  const std::string& text = responses.text();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    next_code_point(text, at);
    characters.emplace_back(text.substr(from, at - from));
  }
  return characters;
}

std::string text_of(const Value& response) {
  return response.is_text() ? response.text() : std::string();
}

template <typename Change>
FilterFunction each(Change change) {
  return [change](Value responses, const Dict& document) {
    Value::List list = items(std::move(responses));
    for (Value& item : list) item = change(item, document);
    return Value(std::move(list));
  };
}

// std::function wants copyable callables, a compiled pattern is not: copies share it.
std::shared_ptr<const Regex> compile(const std::string& pattern, const std::string& where) {
  try {
    return std::make_shared<const Regex>(pattern);
  } catch (const RegexError& problem) {
    throw Error(ErrorKind::kBadInput, where, "pattern '" + pattern + "': " + problem.what());
  }
}

std::vector<std::vector<std::string>> find_all(const Regex& regex, const std::string& text, const std::string& where) {
  try {
    return regex.find_all(text);
  } catch (const RegexError& problem) {
    throw Error(ErrorKind::kBadInput, where, problem.what(),
                "write the pattern so that parts cannot match in two ways");
  }
}

/// matches[select] as Python indexes it; of several groups the first that is not empty.
std::optional<std::string> select(const std::vector<std::vector<std::string>>& matches, std::int64_t select) {
  const auto size = static_cast<std::int64_t>(matches.size());
  if (select < 0) select += size;
  if (select < 0 || select >= size) return std::nullopt;
  const std::vector<std::string>& groups = matches[static_cast<std::size_t>(select)];
  if (groups.size() == 1) return groups[0];
  const auto found = std::ranges::find_if(groups, [](const std::string& group) { return !group.empty(); });
  return found == groups.end() ? std::nullopt : std::optional(*found);
}

struct Extraction {
  std::shared_ptr<const Regex> regex;
  std::int64_t group_select = 0;
  std::string fallback;
};

Extraction extraction(Fields& fields) {
  Extraction extraction;
  extraction.regex = compile(fields.optional_text("regex_pattern").value_or(kDefaultPattern), fields.where());
  extraction.group_select = fields.optional_integer("group_select").value_or(0);
  extraction.fallback = fields.optional_text("fallback").value_or("[invalid]");
  return extraction;
}

FilterFunction regex_filter(Fields& fields) {
  const Extraction by = extraction(fields);
  const std::string where = fields.where();
  return each([by, where](const Value& response, const Dict&) {
    const std::optional<std::string> found = select(find_all(*by.regex, text_of(response), where), by.group_select);
    return Value(found ? std::string(text::strip(*found)) : by.fallback);
  });
}

std::string without_punctuation(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if ((U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_P_MASK) == 0) append_utf8(out, c);
  }
  return out;
}

/// multi_choice_regex: the pattern; else the text of a choice; else a letter behind a colon.
class ChoiceExtractor {
 public:
  explicit ChoiceExtractor(Fields& fields) : by_(extraction(fields)), where_(fields.where()) {
    ignore_case_ = fields.optional_boolean("ignore_case").value_or(false);
    ignore_punctuation_ = fields.optional_boolean("ignore_punctuation").value_or(false);
    for (const std::string& pattern : fields.optional_texts("regexes_to_ignore"))
      ignored_.push_back(compile(pattern, where_));
  }

  Value operator()(const Value& response, const Dict& document) const {
    const std::string text = text_of(response);
    if (const std::string found = first(*by_.regex, text); !found.empty()) return found;
    const Value* choices = document.find("choices");
    if (choices == nullptr || !choices->is_list() || choices->list().size() > 26)
      throw Error(ErrorKind::kBadInput, where_, "multi_choice_regex needs a column 'choices' with a list of texts");
    return by_choice(text, choices->list());
  }

 private:
  std::string first(const Regex& regex, const std::string& text) const {
    return std::string(text::strip(select(find_all(regex, text, where_), by_.group_select).value_or("")));
  }

  std::string simplified(std::string text) const {
    for (const auto& pattern : ignored_) text = pattern->remove_all(text);
    if (ignore_case_) text = text::lower(text);
    return ignore_punctuation_ ? without_punctuation(text) : text;
  }

  Value by_choice(const std::string& text, const Value::List& choices) const {
    std::vector<std::string> escaped, plain;
    std::string letters;
    for (const Value& choice : choices) {
      plain.push_back(simplified(std::string(text::strip(text_of(choice)))));
      escaped.push_back(regex_escape(plain.back()));
      letters += (letters.empty() ? "" : "|") + std::string(1, static_cast<char>('A' + plain.size() - 1));
    }
    std::ranges::stable_sort(escaped, std::greater<>(), count_code_points);
    std::string pattern;
    for (std::size_t i = 0; i < escaped.size(); ++i) pattern += (i > 0 ? "|" : "") + escaped[i];
    std::string found = first(*compile(pattern, where_), simplified(text));
    // The last of equal choices gives the letter, as a later key of a Python dict does.
    for (std::size_t i = plain.size(); i-- > 0 && !found.empty();)
      if (plain[i] == found) return letter(i);
    if (!found.empty()) return found;
    found = first(*compile(":[\\s]*(" + letters + ")", where_), text);
    if (!found.empty()) return letter(static_cast<std::size_t>(found[0] - 'A'));
    return by_.fallback;
  }

  static Value letter(std::size_t index) { return "(" + std::string(1, static_cast<char>('A' + index)) + ")"; }

  Extraction by_;
  std::string where_;
  bool ignore_case_ = false, ignore_punctuation_ = false;
  std::vector<std::shared_ptr<const Regex>> ignored_;
};

FilterFunction take_first(const std::string& where) {
  return [where](Value responses, const Dict&) {
    Value::List list = items(std::move(responses));
    if (list.empty()) throw Error(ErrorKind::kBadInput, where, "take_first has nothing to take");
    return std::move(list.front());
  };
}

FilterFunction take_first_k(Fields& fields) {
  const std::int64_t k = fields.integer("k");
  const std::string where = fields.where();
  if (k < 1) throw Error(ErrorKind::kBadInput, where, "'k' must be at least 1");
  return [k, where](Value responses, const Dict&) {
    Value::List list = items(std::move(responses));
    if (list.size() < static_cast<std::size_t>(k))
      throw Error(ErrorKind::kBadInput, where,
                  "take_first_k needs " + std::to_string(k) + " responses, there are " + std::to_string(list.size()),
                  "raise 'repeats'");
    list.resize(static_cast<std::size_t>(k));
    return Value(std::move(list));
  };
}

Value majority(Value responses, const Dict&) {
  const Value::List list = items(std::move(responses));
  std::size_t best = 0;
  std::ptrdiff_t most = 0;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (const auto count = std::count(list.begin(), list.end(), list[i]); count > most) best = i, most = count;
  return list.empty() ? Value(Value::List{}) : Value(Value::List{list[best]});
}

FilterFunction map_filter(Fields& fields) {
  const Value* named = fields.optional_dict("mapping_dict");
  const Dict mapping = named != nullptr ? named->dict() : Dict();
  const Value* other = fields.optional_any("default_value");
  const Value fallback = other != nullptr ? *other : Value();
  return each([mapping, fallback](const Value& response, const Dict&) {
    const Value* found = response.is_text() ? mapping.find(response.text()) : nullptr;
    return found != nullptr ? *found : fallback;
  });
}

FilterFunction text_filter(std::function<std::string(std::string_view)> change) {
  return each([change](const Value& response, const Dict&) {
    return response.is_text() ? Value(change(response.text())) : response;
  });
}

const std::vector<std::string>& known_filters() {
  static const std::vector<std::string> names{
      "regex", "multi_choice_regex", "take_first", "take_first_k", "majority_vote",
      "map",   "remove_whitespace",  "lowercase",  "uppercase"};
  return names;
}

FilterFunction build(const std::string& function, Fields& fields) {
  if (function == "regex") return regex_filter(fields);
  if (function == "multi_choice_regex") return each(ChoiceExtractor(fields));
  if (function == "take_first") return take_first(fields.where());
  if (function == "take_first_k") return take_first_k(fields);
  if (function == "majority_vote") return majority;
  if (function == "map") return map_filter(fields);
  if (function == "remove_whitespace")
    return text_filter([](std::string_view s) { return std::string(text::strip(s)); });
  if (function == "lowercase") return text_filter(text::lower);
  if (function == "uppercase") return text_filter(text::upper);
  const std::string near = nearest(function, known_filters());
  throw Error(ErrorKind::kBadInput, fields.where(), "filter '" + function + "' is not known",
              near.empty() ? "" : "did you mean '" + near + "'?");
}

}  // namespace

std::vector<FilterFunction> build_filters(const FilterPipeline& pipeline, const std::string& where) {
  std::vector<FilterFunction> functions;
  for (const FilterStep& step : pipeline.steps) {
    Fields fields(step.arguments, where + ": filter '" + pipeline.name + "', " + step.function);
    functions.push_back(build(step.function, fields));
    fields.finish();
  }
  return functions;
}

}  // namespace candor::suites
