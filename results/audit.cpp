#include "results/audit.h"

#include <set>
#include <tuple>

#include "scoring/statistics.h"

namespace candor::results {
namespace {

/// kAll sorts before every name.
std::string sort_key(const std::string& name) {
  return name == kAll ? std::string() : name;
}

}  // namespace

std::string text_member(const Value& value, std::string_view key) {
  const Value* member = value.find(key);
  return member != nullptr && member->is_text() ? member->text() : std::string();
}

std::map<DocumentKey, const Value*> document_inputs(const std::vector<Sample>& samples) {
  std::map<DocumentKey, const Value*> inputs;
  for (const Sample& sample : samples) inputs.emplace(DocumentKey{sample.task, sample.doc_id}, &sample.input);
  return inputs;
}

std::vector<AuditCell> audit_cells(const std::vector<Sample>& samples, const std::vector<Score>& scores) {
  const std::map<DocumentKey, const Value*> inputs = document_inputs(samples);
  std::map<std::tuple<std::string, std::string, std::string>, AuditCell> cells;
  for (const Score& score : scores) {
    if (score.metric != kFormMetric || score.filter != kFormFilter) continue;
    const auto input = inputs.find({score.task, score.doc_id});
    if (input == inputs.end()) continue;
    const std::string role = text_member(*input->second, "role");
    if (role != "sensitive" && role != "control") continue;
    const std::string all(kAll), topic = text_member(*input->second, "topic"),
                                 language = text_member(*input->second, "language");
    const std::string form = text_member(score.detail, "form");
    for (const std::string& cell_topic : std::set<std::string>{all, topic}) {
      for (const std::string& cell_language : std::set<std::string>{all, language}) {
        AuditCell& cell = cells[{score.task, sort_key(cell_topic), sort_key(cell_language)}];
        cell.probe = score.task;
        cell.topic = cell_topic;
        cell.language = cell_language;
        AuditSide& side = role == "sensitive" ? cell.sensitive : cell.control;
        ++side.n;
        if (score.value > 0.5) ++side.refused;
        if (!form.empty()) ++side.forms[form];
      }
    }
  }
  std::vector<AuditCell> sorted;
  for (auto& [key, cell] : cells) sorted.push_back(std::move(cell));
  return sorted;
}

double detectable_effect(double low, double high) {
  const double z = scoring::normal_quantile(0.975);
  return (z + scoring::normal_quantile(0.8)) * (high - low) / (2 * z);
}

}  // namespace candor::results
