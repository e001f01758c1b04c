// Runs against a first one, paired by document.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"
#include "results/audit.h"
#include "results/canonical.h"
#include "results/report.h"
#include "scoring/statistics.h"

namespace candor::results {
namespace {

constexpr std::uint64_t kSeed = 1234;  // of the sign-flip test's draws: a comparison repeats to the bit

constexpr std::size_t kFewestClusters = 10;  // for a normal interval

/// Everything of one run that is compared.
struct Side {
  Run run;
  std::map<DocumentKey, std::vector<const Sample*>> documents;
  std::map<std::tuple<std::string, std::int64_t, std::string, std::string>, double> scores;
  std::vector<FindingRow> findings;
  std::vector<Sample> samples;
  std::map<std::string, std::map<std::pair<std::string, std::string>, bool>> higher_is_better;

  Side(const Store& store, std::int64_t id)
      : run(store.run(id)), findings(store.findings(id)), samples(store.samples(id)) {
    for (const Sample& sample : samples) documents[{sample.task, sample.doc_id}].push_back(&sample);
    for (const Score& score : store.scores(id))
      scores.emplace(std::tuple{score.task, score.doc_id, score.metric, score.filter}, score.value);
    for (const Metric& metric : store.metrics(id))
      higher_is_better[metric.task][{metric.metric, metric.filter}] = metric.higher_is_better;
  }
  Side(Side&&) = delete;  // documents point into samples
};

/// Pairs that are compared as one: those of a metric, and for an audit also of a role and of a role in a language.
struct GroupKey {
  std::string task, metric, filter, group;
  auto operator<=>(const GroupKey&) const = default;
};
struct Pair {
  std::int64_t doc_id = 0;
  double baseline = 0.0, other = 0.0;
  std::string cluster;
};

const Value& input_of(const Side& side, const DocumentKey& key) {
  static const Value kNone;
  const auto found = side.documents.find(key);
  return found == side.documents.end() ? kNone : found->second.front()->input;
}

bool same_prompt(const Side& a, const Side& b, const DocumentKey& key) {
  const auto left = a.documents.find(key), right = b.documents.find(key);
  if (left == a.documents.end() || right == b.documents.end())
    return left == a.documents.end() && right == b.documents.end();
  return std::equal(left->second.begin(), left->second.end(), right->second.begin(), right->second.end(),
                    [](const Sample* x, const Sample* y) {
                      return x->index == y->index && canonical_json(x->input) == canonical_json(y->input);
                    });
}

std::map<GroupKey, std::vector<Pair>> paired(const Side& baseline, const Side& other) {
  std::map<GroupKey, std::vector<Pair>> groups;
  for (const auto& [key, value] : baseline.scores) {
    const auto match = other.scores.find(key);
    if (match == other.scores.end() || !std::isfinite(value) || !std::isfinite(match->second)) continue;
    const auto& [task, doc_id, metric, filter] = key;
    const Value& input = input_of(baseline, {task, doc_id});
    // Prompts of one item ask the same thing in other words: they are not independent.
    std::string cluster = text_member(input, "item");
    const std::string role = text_member(input, "role"), language = text_member(input, "language");
    if (cluster.empty()) cluster = std::to_string(doc_id);
    const Pair pair{doc_id, value, match->second, std::move(cluster)};
    if (role.empty()) {
      groups[{task, metric, filter, ""}].push_back(pair);
    } else {
      groups[{task, metric, filter, role}].push_back(pair);
      if (!language.empty()) groups[{task, metric, filter, role + ", " + language}].push_back(pair);
    }
  }
  return groups;
}

bool all_binary(const std::vector<Pair>& pairs) {
  return std::all_of(pairs.begin(), pairs.end(), [](const Pair& pair) {
    return (pair.baseline == 0.0 || pair.baseline == 1.0) && (pair.other == 0.0 || pair.other == 1.0);
  });
}

struct Test {
  std::optional<double> low, high, detectable;
  double p = 1.0;
  std::string name;
};

std::optional<double> detectable_from(double standard_error) {
  if (!(standard_error > 0)) return std::nullopt;
  return (scoring::normal_quantile(0.975) + scoring::normal_quantile(0.8)) * standard_error;
}

/// McNemar and Newcombe for independent 0/1 scores; else sign flips and a normal interval, both by cluster.
Test test_pairs(const std::vector<Pair>& pairs) {
  std::vector<double> differences;
  std::vector<std::string> clusters;
  std::set<std::string> distinct;
  std::int64_t both = 0, only_baseline = 0, only_other = 0, neither = 0;
  for (const Pair& pair : pairs) {
    differences.push_back(pair.other - pair.baseline);
    clusters.push_back(pair.cluster);
    distinct.insert(pair.cluster);
    if (pair.baseline == 1.0)
      ++(pair.other == 1.0 ? both : only_baseline);
    else
      ++(pair.other == 1.0 ? only_other : neither);
  }
  const scoring::Mean mean = scoring::mean_with_error(differences, clusters);
  if (all_binary(pairs) && distinct.size() == pairs.size()) {
    const scoring::Interval interval = scoring::paired_difference(both, only_other, only_baseline, neither);
    return {interval.low, interval.high, detectable_from(mean.standard_error),
            scoring::mcnemar_mid_p(only_other, only_baseline), "mcnemar_mid_p"};
  }
  Test test{.low = {},
            .high = {},
            .detectable = detectable_from(mean.standard_error),
            .p = scoring::sign_flip_test(differences, clusters, kSeed),
            .name = "sign_flip"};
  // An error of zero comes from equal differences, not from certainty, and that of few clusters is too small: no
  // interval then.
  if (mean.standard_error > 0 && distinct.size() >= kFewestClusters) {
    const double margin = scoring::normal_quantile(0.975) * mean.standard_error;
    test.low = mean.mean - margin;
    test.high = mean.mean + margin;
  }
  return test;
}

Value optional_number(const std::optional<double>& number) {
  return number ? Value(*number) : Value();
}

Value::List compare_metrics(const Side& baseline, const std::map<GroupKey, std::vector<Pair>>& groups) {
  std::vector<Test> tests;
  std::vector<double> p;
  for (const auto& [key, pairs] : groups) {
    tests.push_back(test_pairs(pairs));
    p.push_back(tests.back().p);
  }
  const std::vector<double> adjusted = scoring::benjamini_hochberg(p);
  Value::List rows;
  std::size_t i = 0;
  for (const auto& [key, pairs] : groups) {
    Value::List up, down;
    double sum_baseline = 0.0, sum_other = 0.0;
    for (const Pair& pair : pairs) {
      sum_baseline += pair.baseline;
      sum_other += pair.other;
      if (pair.other > pair.baseline) up.push_back(pair.doc_id);
      if (pair.other < pair.baseline) down.push_back(pair.doc_id);
    }
    Value higher;
    if (const auto task = baseline.higher_is_better.find(key.task); task != baseline.higher_is_better.end())
      if (const auto metric = task->second.find({key.metric, key.filter}); metric != task->second.end())
        higher = metric->second;
    const double n = static_cast<double>(pairs.size());
    rows.push_back(Dict{{"task", key.task},
                        {"metric", key.metric},
                        {"filter", key.filter},
                        {"group", key.group},
                        {"higher_is_better", std::move(higher)},
                        {"n", pairs.size()},
                        {"baseline", sum_baseline / n},
                        {"other", sum_other / n},
                        {"difference", (sum_other - sum_baseline) / n},
                        {"low", optional_number(tests[i].low)},
                        {"high", optional_number(tests[i].high)},
                        {"test", tests[i].name},
                        {"p", tests[i].p},
                        {"p_adjusted", adjusted[i]},
                        {"detectable", optional_number(tests[i].detectable)},
                        {"up", std::move(up)},
                        {"down", std::move(down)}});
    ++i;
  }
  return rows;
}

Value::List compare_findings(const Side& baseline, const Side& other) {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, const FindingRow*> known;
  for (const FindingRow& row : baseline.findings) known[{row.probe, row.measure, row.topic, row.language}] = &row;
  Value::List rows;
  for (const FindingRow& row : other.findings) {
    const auto match = known.find({row.probe, row.measure, row.topic, row.language});
    if (match == known.end()) continue;
    const FindingRow& before = *match->second;
    rows.push_back(Dict{{"probe", row.probe},
                        {"measure", row.measure},
                        {"topic", row.topic},
                        {"language", row.language},
                        {"baseline", before.effect},
                        {"baseline_p_adjusted", before.p_adjusted},
                        {"other", row.effect},
                        {"other_p_adjusted", row.p_adjusted},
                        {"difference", row.effect - before.effect}});
  }
  return rows;
}

/// Names of the members in which two dicts differ, or that only one of them has.
std::string differing_members(const Value& a, const Value& b) {
  std::set<std::string> names;
  for (const auto& [one, two] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
    if (!one->is_dict()) continue;
    for (const Member& member : one->dict())
      if (const Value* match = two->find(member.key); match == nullptr || !(*match == member.value))
        names.insert(member.key);
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Value::List warnings(const Side& baseline, const Side& other, const std::map<GroupKey, std::vector<Pair>>& groups) {
  Value::List lines;
  const Manifest &a = baseline.run.manifest, &b = other.run.manifest;
  const auto warn = [&](const std::string& line) { lines.emplace_back(line); };
  if (a.model_fingerprint == b.model_fingerprint) warn("both runs are of the same model");
  if (a.version != b.version) warn("made by different versions: " + a.version + " and " + b.version);
  if (const std::string names = differing_members(a.options, b.options); !names.empty())
    warn("made with different options: " + names);
  if (const std::string names = differing_members(a.data, b.data); !names.empty()) warn("the data differs: " + names);
  for (const Side* side : {&baseline, &other})
    if (side->run.status != "finished")
      warn(fmt::format("run {} is {}: it may lack samples", side->run.id, side->run.status));
  std::set<DocumentKey> documents;
  for (const auto& [key, pairs] : groups)
    for (const Pair& pair : pairs) documents.insert({key.task, pair.doc_id});
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> differing;  // of a task: different, all
  for (const DocumentKey& document : documents) {
    auto& [different, all] = differing[document.first];
    ++all;
    if (!same_prompt(baseline, other, document)) ++different;
  }
  for (const auto& [task, counts] : differing)
    if (counts.first > 0)
      warn(fmt::format("the prompts of {} differ in {} of {} paired documents", task, counts.first, counts.second));
  std::int64_t unpaired = 0;
  for (const auto& [one, two] : {std::pair{&baseline, &other}, std::pair{&other, &baseline}})
    for (const auto& [key, value] : one->scores) unpaired += two->scores.contains(key) ? 0 : 1;
  if (unpaired > 0) warn(fmt::format("{} scores are in one run only and were left out", unpaired));
  return lines;
}

Dict run_value(const Run& run) {
  return Dict{{"run", run.id},
              {"kind", run.manifest.kind},
              {"model", run.manifest.model},
              {"model_fingerprint", run.manifest.model_fingerprint}};
}

}  // namespace

Value compare_runs(const Store& store, const std::vector<std::int64_t>& runs) {
  if (runs.size() < 2)
    throw Error(ErrorKind::kUsage, store.path(), "a comparison needs two runs or more", "`candor runs` lists them");
  const Side baseline(store, runs[0]);
  Value::List comparisons;
  for (std::size_t i = 1; i < runs.size(); ++i) {
    const Side other(store, runs[i]);
    const auto groups = paired(baseline, other);
    if (groups.empty())
      throw Error(ErrorKind::kUsage, store.path(),
                  fmt::format("runs {} and {} have no scored sample in common", runs[0], runs[i]),
                  "compare runs of the same tasks or probes");
    Dict comparison = run_value(other.run);
    comparison.set("warnings", warnings(baseline, other, groups));
    comparison.set("metrics", compare_metrics(baseline, groups));
    comparison.set("findings", compare_findings(baseline, other));
    comparisons.emplace_back(std::move(comparison));
  }
  return Dict{{"baseline", run_value(baseline.run)}, {"comparisons", std::move(comparisons)}};
}

}  // namespace candor::results
