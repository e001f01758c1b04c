// A run as JSON.
#include "results/audit.h"
#include "results/report.h"

namespace candor::results {
namespace {

Value optional_number(const std::optional<double>& number) {
  return number ? Value(*number) : Value();
}

Value side_value(const AuditSide& side) {
  Dict forms;
  for (const auto& [form, count] : side.forms) forms.set(form, count);
  return Dict{{"n", side.n}, {"refused", side.refused}, {"forms", std::move(forms)}};
}

}  // namespace

Value run_summary(const Store& store, std::int64_t id) {
  const Run run = store.run(id);
  const Manifest& manifest = run.manifest;
  const std::vector<Sample> samples = store.samples(id);
  Value::List metrics, audit, findings;
  for (const Metric& metric : store.metrics(id))
    metrics.push_back(Dict{{"task", metric.task},
                           {"metric", metric.metric},
                           {"filter", metric.filter},
                           {"value", metric.value},
                           {"standard_error", optional_number(metric.standard_error)},
                           {"low", optional_number(metric.low)},
                           {"high", optional_number(metric.high)},
                           {"n", metric.n},
                           {"higher_is_better", metric.higher_is_better}});
  for (const AuditCell& cell : audit_cells(samples, store.scores(id)))
    audit.push_back(Dict{{"probe", cell.probe},
                         {"topic", cell.topic},
                         {"language", cell.language},
                         {"sensitive", side_value(cell.sensitive)},
                         {"control", side_value(cell.control)}});
  for (const FindingRow& row : store.findings(id))
    findings.push_back(Dict{{"probe", row.probe},
                            {"measure", row.measure},
                            {"topic", row.topic},
                            {"language", row.language},
                            {"sensitive", row.sensitive},
                            {"control", row.control},
                            {"effect", row.effect},
                            {"low", row.low},
                            {"high", row.high},
                            {"p", row.p},
                            {"p_adjusted", row.p_adjusted},
                            {"n_sensitive", row.n_sensitive},
                            {"n_control", row.n_control},
                            {"evidence", row.evidence}});
  return Dict{{"id", run.id},
              {"kind", manifest.kind},
              {"model", manifest.model},
              {"model_path", manifest.model_path},
              {"model_fingerprint", manifest.model_fingerprint},
              {"names", manifest.names},
              {"status", run.status},
              {"started", run.started},
              {"finished", run.finished},
              {"version", manifest.version},
              {"options", manifest.options},
              {"data", manifest.data},
              {"machine", manifest.machine},
              {"notes", manifest.notes},
              {"requests", run.totals.requests},
              {"reused", run.totals.reused},
              {"tokens_requested", run.totals.tokens_requested},
              {"tokens_computed", run.totals.tokens_computed},
              {"seconds", run.totals.seconds},
              {"samples", samples.size()},
              {"metrics", std::move(metrics)},
              {"audit", std::move(audit)},
              {"findings", std::move(findings)}};
}

}  // namespace candor::results
