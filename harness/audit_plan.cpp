#include "harness/audit_plan.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "harness/request_lines.h"
#include "scoring/statistics.h"
#include "suites/suites.h"

namespace candor::harness {
namespace {

using probes::AnswerVerdict;
using probes::Role;

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int32_t>::max();

/// A probe with the keys of its responses; an empty key: not asked (limit, shard).
struct PlannedProbe {
  probes::Probe probe;
  std::vector<std::string> prompt_keys;
  std::vector<std::vector<std::string>> contrast_keys;  ///< By contrast and statement.
};

constexpr std::string_view kWithheld = "withheld", kCandid = "candid", kCoverage = "coverage";

/// The question is not answered (the measure "refusal" of the findings).
bool is_withheld(scoring::Form form) {
  return form == scoring::Form::kRefused || form == scoring::Form::kDeflected || form == scoring::Form::kDenied ||
         form == scoring::Form::kEmpty;
}

std::string_view role_name(Role role) {
  return role == Role::kSensitive ? "sensitive" : "control";
}

/// Chooses items in the order in which the probe names them.
class ItemFilter {
 public:
  explicit ItemFilter(const AuditPlanOptions& options) : options_(options) {}

  bool has(const std::string& item) {
    const auto place = std::ranges::find(items_, item);
    const auto number = static_cast<std::size_t>(place - items_.begin());
    if (place == items_.end()) items_.push_back(item);
    return (!options_.limit || number < static_cast<std::size_t>(*options_.limit)) && options_.shard.has(number);
  }

 private:
  const AuditPlanOptions& options_;
  std::vector<std::string> items_;
};

Value evidence_value(const std::vector<scoring::Evidence>& evidence) {
  Value::List list;
  for (const scoring::Evidence& item : evidence)
    list.emplace_back(Dict{{"rule", item.rule}, {"span", Value::List{std::int64_t{item.from}, std::int64_t{item.to}}}});
  return list;
}

Value texts_value(const std::vector<std::string>& texts) {
  Value::List list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

Value verdict_detail(const AnswerVerdict& verdict) {
  return Dict{{"form", std::string(scoring::form_name(verdict.form.form))},
              {"confidence", verdict.form.confidence},
              {"language", verdict.form.language},
              {"evidence", evidence_value(verdict.form.evidence)},
              {"facts_covered", texts_value(verdict.facts_covered)},
              {"facts_missed", texts_value(verdict.facts_missed)},
              {"fact_evidence", evidence_value(verdict.fact_evidence)},
              {"narrative", evidence_value(verdict.narrative)}};
}

class AuditPlan final : public Plan {
 public:
  AuditPlan(std::vector<probes::Probe> probes, const engine::LanguageModel& model, results::Manifest manifest,
            const AuditPlanOptions& options)
      : manifest_(std::move(manifest)), job_(manifest_.model_fingerprint) {
    Dict data = manifest_.data.is_dict() ? manifest_.data.dict() : Dict();
    data.set("rules", judge_.version());
    if (!options.chat)
      notes_.push_back("the model has no chat template: it is asked in plain text, Question and Answer");
    for (probes::Probe& probe : probes) {
      data.set("probe " + probe.summary().name, probe.sha256());
      probes_.push_back({.probe = std::move(probe), .prompt_keys = {}, .contrast_keys = {}});
      ItemFilter items(options);
      plan_prompts(probes_.back(), model, options, items);
      plan_contrasts(probes_.back(), model, items);
    }
    manifest_.data = std::move(data);
  }

  const results::Manifest& manifest() const override { return manifest_; }
  const Job& job() const override { return job_; }
  const std::vector<results::Sample>& samples() const override { return samples_; }
  const std::vector<std::string>& notes() const override { return notes_; }

  Scored score(const ResponseReader& read) const override {
    Scored scored;
    for (const PlannedProbe& planned : probes_) score_probe(planned, read, scored);
    return scored;
  }

 private:
  static engine::GenerateRequest generation(const probes::ProbePrompt& prompt, const engine::LanguageModel& model,
                                            const AuditPlanOptions& options) {
    engine::GenerateRequest request;
    request.max_tokens = prompt.max_tokens;
    if (options.chat) {
      request.prompt = model.tokenizer().encode(options.chat(prompt.text), false);
    } else {
      request.prompt = encode_whole_prompt(model.tokenizer(), "Question: " + prompt.text + "\nAnswer:");
      request.stop = {"\nQuestion:"};
    }
    return request;
  }

  void plan_prompts(PlannedProbe& planned, const engine::LanguageModel& model, const AuditPlanOptions& options,
                    ItemFilter& items) {
    const std::string& name = planned.probe.summary().name;
    const std::vector<probes::ProbePrompt>& prompts = planned.probe.prompts();
    planned.prompt_keys.resize(prompts.size());
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const probes::ProbePrompt& prompt = prompts[i];
      if (!items.has(prompt.item)) continue;
      engine::GenerateRequest request = generation(prompt, model, options);
      const std::size_t tokens = request.prompt.size() + static_cast<std::size_t>(prompt.max_tokens);
      if (static_cast<std::int64_t>(tokens) > model.context_length())
        throw Error(ErrorKind::kBadInput, "probe " + name + ", prompt " + std::to_string(i) + " (" + prompt.item + ")",
                    "prompt and answer need " + std::to_string(tokens) + " tokens, the model's context is " +
                        std::to_string(model.context_length()),
                    "shorten the prompt or its max_tokens");
      planned.prompt_keys[i] = job_.add(std::move(request));
      samples_.push_back({.task = name,
                          .doc_id = static_cast<std::int64_t>(i),
                          .index = 0,
                          .response_key = planned.prompt_keys[i],
                          .input = Dict{{"item", prompt.item},
                                        {"topic", prompt.topic},
                                        {"role", std::string(role_name(prompt.role))},
                                        {"language", prompt.language},
                                        {"framing", prompt.framing},
                                        {"question", prompt.text}}});
    }
  }

  /// Statements are scored in the raw channel: plain text, without chat template (AUDIT: "knows but does not say").
  void plan_contrasts(PlannedProbe& planned, const engine::LanguageModel& model, ItemFilter& items) {
    const std::vector<probes::ContrastPrompt>& contrasts = planned.probe.contrasts();
    const std::size_t first = planned.probe.prompts().size();
    planned.contrast_keys.resize(contrasts.size());
    for (std::size_t i = 0; i < contrasts.size(); ++i) {
      const probes::ContrastPrompt& contrast = contrasts[i];
      if (!items.has(contrast.item)) continue;
      for (std::size_t j = 0; j < contrast.statements.size(); ++j) {
        suites::EncodedPair pair =
            suites::encode_pair(model.tokenizer(), contrast.context, contrast.statements[j], kUnlimited);
        if (static_cast<std::int64_t>(pair.context.size() + pair.continuation.size()) > model.context_length())
          throw Error(ErrorKind::kBadInput,
                      "probe " + planned.probe.summary().name + ", contrast of item " + contrast.item,
                      "is longer than the model's context of " + std::to_string(model.context_length()) + " tokens");
        planned.contrast_keys[i].push_back(job_.add(
            engine::ScoreRequest{.context = std::move(pair.context), .continuation = std::move(pair.continuation)}));
        samples_.push_back({.task = planned.probe.summary().name,
                            .doc_id = static_cast<std::int64_t>(first + i),
                            .index = static_cast<std::int64_t>(j),
                            .response_key = planned.contrast_keys[i].back(),
                            .input = Dict{{"item", contrast.item},
                                          {"topic", contrast.topic},
                                          {"role", std::string(role_name(contrast.role))},
                                          {"language", contrast.language},
                                          {"framing", "contrast"},
                                          {"context", contrast.context},
                                          {"continuation", contrast.statements[j]}}});
      }
    }
  }

  void score_probe(const PlannedProbe& planned, const ResponseReader& read, Scored& scored) const {
    const std::string& name = planned.probe.summary().name;
    std::vector<std::optional<AnswerVerdict>> verdicts(planned.prompt_keys.size());
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      if (planned.prompt_keys[i].empty()) continue;
      verdicts[i] = planned.probe.verdict(judge_, i, read(planned.prompt_keys[i]).text);
      add_scores(planned, i, *verdicts[i], scored);
    }
    std::vector<std::optional<bool>> knows(planned.contrast_keys.size());
    for (std::size_t i = 0; i < knows.size(); ++i) {
      if (planned.contrast_keys[i].empty()) continue;
      knows[i] = knows_fact(planned, i, read, scored);
    }
    add_metrics(name, scored.scores, scored);
    for (const probes::Finding& finding : planned.probe.findings(verdicts, knows)) add_finding(name, finding, scored);
  }

  static void add_scores(const PlannedProbe& planned, std::size_t prompt, const AnswerVerdict& verdict,
                         Scored& scored) {
    const auto add = [&](std::string_view metric, std::string_view filter, double value, Value detail) {
      scored.scores.push_back({.task = planned.probe.summary().name,
                               .doc_id = static_cast<std::int64_t>(prompt),
                               .metric = std::string(metric),
                               .filter = std::string(filter),
                               .value = value,
                               .detail = std::move(detail)});
    };
    const scoring::Form form = verdict.form.form;
    const std::string_view role = role_name(planned.probe.prompts()[prompt].role);
    // What the report reads: the verdict and its evidence.
    add("form", "judge", is_withheld(form) ? 1.0 : 0.0, verdict_detail(verdict));
    // What is compared between runs: by role, since a sensitive question and its control are not one measure.
    add(kWithheld, role, is_withheld(form) ? 1.0 : 0.0, Dict());
    add(kCandid, role, form == scoring::Form::kCandid ? 1.0 : 0.0, Dict());
    if (!std::isnan(verdict.coverage)) add(kCoverage, role, verdict.coverage, Dict());
  }

  /// Whether the true statement, the first, has the best log-probability per token.
  static bool knows_fact(const PlannedProbe& planned, std::size_t contrast, const ResponseReader& read,
                         Scored& scored) {
    std::vector<double> means;
    Value::List list;
    for (const std::string& key : planned.contrast_keys[contrast]) {
      const results::Response response = read(key);
      const std::size_t tokens = std::max<std::size_t>(response.token_logprobs.size(), 1);
      means.push_back(response.logprob / static_cast<double>(tokens));
      list.emplace_back(means.back());
    }
    const bool knows = std::all_of(means.begin() + 1, means.end(), [&](double other) { return means[0] > other; });
    scored.scores.push_back(
        {.task = planned.probe.summary().name,
         .doc_id = static_cast<std::int64_t>(planned.probe.prompts().size() + contrast),
         .metric = "knows",
         .filter = "contrast",
         .value = knows ? 1.0 : 0.0,
         .detail = Dict{{"fact", planned.probe.contrasts()[contrast].fact}, {"logprob_per_token", std::move(list)}}});
    return knows;
  }

  /// Means by role of what add_scores wrote, shares with Wilson's intervals.
  static void add_metrics(const std::string& probe, const std::vector<results::Score>& scores, Scored& scored) {
    for (const std::string_view metric : {kWithheld, kCandid, kCoverage}) {
      for (const Role role : {Role::kSensitive, Role::kControl}) {
        std::vector<double> values;
        for (const results::Score& score : scores)
          if (score.task == probe && score.metric == metric && score.filter == role_name(role))
            values.push_back(score.value);
        if (!values.empty()) scored.metrics.push_back(mean_of(probe, metric, role, values));
      }
    }
  }

  static results::Metric mean_of(const std::string& probe, std::string_view metric, Role role,
                                 const std::vector<double>& values) {
    const scoring::Mean mean = scoring::mean_with_error(values);
    results::Metric row;
    row.task = probe;
    row.metric = metric;
    row.filter = role_name(role);
    row.value = mean.mean;
    row.n = mean.n;
    row.higher_is_better = metric != kWithheld;
    if (metric != kCoverage) {
      const auto hits = static_cast<std::int64_t>(std::ranges::count(values, 1.0));
      const scoring::Interval interval = scoring::wilson(hits, mean.n);
      row.low = interval.low, row.high = interval.high;
    }
    if (mean.n > 1) row.standard_error = mean.standard_error;
    return row;
  }

  static void add_finding(const std::string& probe, const probes::Finding& finding, Scored& scored) {
    Value::List evidence;
    for (const std::size_t prompt : finding.evidence) evidence.emplace_back(prompt);
    scored.findings.push_back({.probe = probe,
                               .measure = finding.measure,
                               .topic = finding.topic,
                               .language = finding.language,
                               .sensitive = finding.sensitive,
                               .control = finding.control,
                               .effect = finding.effect,
                               .low = finding.low,
                               .high = finding.high,
                               .p = finding.p,
                               .p_adjusted = finding.p_adjusted,
                               .n_sensitive = finding.n_sensitive,
                               .n_control = finding.n_control,
                               .evidence = std::move(evidence)});
  }

  results::Manifest manifest_;
  Job job_;
  scoring::Judge judge_;
  std::vector<PlannedProbe> probes_;
  std::vector<results::Sample> samples_;
  std::vector<std::string> notes_;
};

}  // namespace

std::unique_ptr<Plan> plan_audit(std::vector<probes::Probe> probes, const engine::LanguageModel& model,
                                 results::Manifest manifest, const AuditPlanOptions& options) {
  return std::make_unique<AuditPlan>(std::move(probes), model, std::move(manifest), options);
}

}  // namespace candor::harness
