#include "suites/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/fields.h"
#include "base/utf8.h"
#include "engine/text/python.h"
#include "suites/regex.h"

namespace candor::suites {
namespace {

constexpr std::array<MetricTraits, 13> kMetrics{{{"acc", "mean", true},
                                                 {"acc_norm", "mean", true},
                                                 {"acc_bytes", "mean", true},
                                                 {"acc_mutual_info", "mean", true},
                                                 {"exact_match", "mean", true},
                                                 {"brier_score", "brier_score", false},
                                                 {"f1", "f1", true},
                                                 {"mcc", "matthews_corrcoef", true},
                                                 {"perplexity", "perplexity", false},
                                                 {"word_perplexity", "weighted_perplexity", false},
                                                 {"byte_perplexity", "weighted_perplexity", false},
                                                 {"bits_per_byte", "bits_per_byte", false},
                                                 {"bypass", "mean", true}}};

bool wanted(const std::vector<MetricEntry>& metrics, std::string_view name) {
  return std::ranges::any_of(metrics, [&](const MetricEntry& entry) { return entry.metric == name; });
}

/// numpy.argmax: the first of equals; the first NaN wins over all.
std::int64_t argmax(const std::vector<double>& values) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < values.size() && !std::isnan(values[best]); ++i)
    if (values[i] > values[best] || std::isnan(values[i])) best = i;
  return static_cast<std::int64_t>(best);
}

std::vector<double> softmax(const std::vector<double>& values) {
  const double largest = *std::ranges::max_element(values);
  std::vector<double> out;
  double sum = 0.0;
  for (const double value : values) sum += out.emplace_back(std::exp(value - largest));
  for (double& value : out) value /= sum;
  return out;
}

/// len(re.split(r"\s+", text)): white space at either end adds an empty word.
double count_words(std::string_view text) {
  double words = 1.0;
  bool in_space = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    next_code_point(text, at);
    const bool space = text::strip(text.substr(from, at - from)).empty();
    if (space && !in_space) words += 1.0;
    in_space = space;
  }
  return words;
}

}  // namespace

const MetricTraits* metric_traits(std::string_view name) {
  const auto found = std::ranges::find(kMetrics, name, [](const MetricTraits& traits) { return traits.name; });
  return found == kMetrics.end() ? nullptr : &*found;
}

const MetricTraits& known_metric(const std::string& name, const std::string& where) {
  if (const MetricTraits* traits = metric_traits(name); traits != nullptr && name != "bypass") return *traits;
  std::vector<std::string> known;
  for (const MetricTraits& traits : kMetrics) known.emplace_back(traits.name);
  const std::string near = nearest(name, known);
  const bool refused =
      name == "bleu" || name == "chrf" || name == "chrf++" || name == "ter" || name == "likelihood" || name == "bypass";
  throw Error(ErrorKind::kBadInput, where, "metric '" + name + "' is not " + (refused ? "supported" : "known"),
              refused || near.empty() ? "remove it from metric_list" : "did you mean '" + near + "'?");
}

std::vector<const char*> default_metrics(OutputType type) {
  switch (type) {
    case OutputType::kMultipleChoice:
      return {"acc", "acc_norm"};
    case OutputType::kGenerateUntil:
      return {"exact_match"};
    case OutputType::kLoglikelihood:
      return {"perplexity", "acc"};
    case OutputType::kLoglikelihoodRolling:
      return {"word_perplexity", "byte_perplexity", "bits_per_byte"};
  }
  return {};
}

Items choice_items(const ChoiceOutcome& outcome, const std::vector<MetricEntry>& metrics) {
  const std::size_t count = outcome.choices.size();
  CANDOR_CHECK(outcome.responses.size() == count || outcome.responses.size() == 2 * count, "a response per choice");
  std::vector<double> plain, by_characters, by_bytes, informed;
  for (std::size_t i = 0; i < count; ++i) {
    const double logprob = outcome.responses[i].logprob;
    plain.push_back(logprob);
    by_characters.push_back(logprob / static_cast<double>(count_code_points(outcome.choices[i])));
    by_bytes.push_back(logprob / static_cast<double>(outcome.choices[i].size()));
    if (outcome.responses.size() == 2 * count) informed.push_back(logprob - outcome.responses[count + i].logprob);
  }
  const auto right = [&](const std::vector<double>& values) {
    return std::ranges::find(outcome.gold, argmax(values)) != outcome.gold.end() ? 1.0 : 0.0;
  };
  const auto greedy = [&](std::int64_t gold) {
    if (gold == kNoGold) return false;
    if (gold < 0) gold += static_cast<std::int64_t>(count);  // Python's index from the end
    return gold >= 0 && outcome.responses[static_cast<std::size_t>(gold)].greedy;
  };
  const std::int64_t gold = outcome.gold.empty() ? kNoGold : outcome.gold.front();
  Items items;
  const auto add = [&](const char* name, auto make) {
    if (wanted(metrics, name)) items.emplace_back(name, make());
  };
  add("acc", [&] { return Item(right(plain)); });
  add("f1", [&] { return Item(Labels{gold, argmax(plain)}); });
  add("mcc", [&] { return Item(Labels{gold, argmax(plain)}); });
  add("acc_norm", [&] { return Item(right(by_characters)); });
  add("acc_bytes", [&] { return Item(right(by_bytes)); });
  add("exact_match", [&] { return Item(std::ranges::any_of(outcome.gold, greedy) ? 1.0 : 0.0); });
  add("brier_score", [&] {
    return Item(
        Probabilities{gold < 0 && gold != kNoGold ? gold + static_cast<std::int64_t>(count) : gold, softmax(plain)});
  });
  if (!informed.empty()) add("acc_mutual_info", [&] { return Item(right(informed)); });
  return items;
}

Items loglikelihood_items(const TaskResponse& response, const std::vector<MetricEntry>& metrics) {
  Items items;
  if (wanted(metrics, "perplexity")) items.emplace_back("perplexity", response.logprob);
  if (wanted(metrics, "acc")) items.emplace_back("acc", response.greedy ? 1.0 : 0.0);
  return items;
}

Items rolling_items(double logprob, std::string_view text, const std::vector<MetricEntry>& metrics) {
  const auto bytes = static_cast<double>(text.size());
  Items items;
  if (wanted(metrics, "word_perplexity")) items.emplace_back("word_perplexity", Weighted{logprob, count_words(text)});
  if (wanted(metrics, "byte_perplexity")) items.emplace_back("byte_perplexity", Weighted{logprob, bytes});
  if (wanted(metrics, "bits_per_byte")) items.emplace_back("bits_per_byte", Weighted{logprob, bytes});
  return items;
}

struct ExactMatch::State {
  std::vector<Regex> ignored;
  bool ignore_case = false, ignore_punctuation = false, ignore_numbers = false;
};

ExactMatch::ExactMatch(const Value& arguments, const std::string& where) {
  auto state = std::make_unique<State>();
  Fields fields(arguments, where + ": exact_match");
  for (const std::string& pattern : fields.optional_texts("regexes_to_ignore")) {
    try {
      state->ignored.emplace_back(pattern);
    } catch (const RegexError& problem) {
      throw Error(ErrorKind::kBadInput, fields.where(), "pattern '" + pattern + "': " + problem.what());
    }
  }
  state->ignore_case = fields.optional_boolean("ignore_case").value_or(false);
  state->ignore_punctuation = fields.optional_boolean("ignore_punctuation").value_or(false);
  state->ignore_numbers = fields.optional_boolean("ignore_numbers").value_or(false);
  fields.ignore("weight_by_size");
  fields.finish();
  state_ = std::move(state);
}

ExactMatch::ExactMatch(ExactMatch&&) noexcept = default;
ExactMatch::~ExactMatch() = default;

std::string ExactMatch::simplified(std::string text) const {
  for (const Regex& pattern : state_->ignored) text = pattern.remove_all(text);
  if (state_->ignore_case) text = text::lower(text);
  const auto is_punctuation = [](char c) {  // string.punctuation
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  };
  if (state_->ignore_punctuation) std::erase_if(text, is_punctuation);
  if (state_->ignore_numbers) std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

bool ExactMatch::operator()(const std::string& gold, const std::string& response) const {
  try {
    return simplified(gold) == simplified(response);
  } catch (const RegexError& problem) {
    throw Error(ErrorKind::kBadInput, "exact_match: regexes_to_ignore", problem.what());
  }
}

std::optional<double> document_value(const std::string& metric, const Item& item) {
  if (const double* value = std::get_if<double>(&item)) return *value;
  if (const Weighted* weighted = std::get_if<Weighted>(&item)) {
    const double rate = -weighted->logprob / weighted->weight;
    return metric == "bits_per_byte" ? rate / std::log(2.0) : std::exp(rate);
  }
  if (const Probabilities* probabilities = std::get_if<Probabilities>(&item)) {
    double sum = 0.0;
    for (std::size_t i = 0; i < probabilities->of_choices.size(); ++i) {
      const double hit = static_cast<std::int64_t>(i) == probabilities->gold ? 1.0 : 0.0;
      sum += (probabilities->of_choices[i] - hit) * (probabilities->of_choices[i] - hit);
    }
    return sum;
  }
  return std::nullopt;
}

}  // namespace candor::suites
