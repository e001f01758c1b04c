// What was run, the scores and the comparisons of a report.
#include "results/report_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "base/error.h"
#include "base/json.h"
#include "results/figures.h"
#include "results/html_text.h"

namespace candor::results {
namespace {

std::string names_text(const Value& names) {
  std::string text;
  if (names.is_list())
    for (const Value& name : names.list())
      if (name.is_text()) text += (text.empty() ? "" : ", ") + name.text();
  return text;
}

std::string dict_rows(const Value& dict) {
  std::string rows;
  if (!dict.is_dict()) return rows;
  for (const Member& member : dict.dict())
    rows += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"mono\">{}</td></tr>", html(member.key),
                        html(member.value.is_text() ? member.value.text() : to_json(member.value)));
  return rows;
}

std::string note_list(const Value& notes) {
  std::string items;
  if (notes.is_list())
    for (const Value& note : notes.list())
      if (note.is_text()) items += fmt::format("<li>{}</li>", html(note.text()));
  return items.empty() ? items : fmt::format("<h4>Notes</h4><ul>{}</ul>", items);
}

std::string manifest_details(const Run& run) {
  const Manifest& manifest = run.manifest;
  std::string tables = note_list(manifest.notes);
  for (const auto& [title, dict] : {std::pair{"Options", &manifest.options}, std::pair{"Data, SHA-256", &manifest.data},
                                    std::pair{"Machine", &manifest.machine}})
    if (const std::string rows = dict_rows(*dict); !rows.empty())
      tables += fmt::format("<h4>{}</h4><div class=\"scroll\"><table class=\"plain\"><tbody>{}</tbody></table></div>",
                            title, rows);
  return fmt::format(
      "<details class=\"manifest\"><summary>How to repeat run {0}</summary><div class=\"body\"><table class=\"plain\">"
      "<tbody><tr><th scope=\"row\">Model file</th><td class=\"mono\">{1}</td></tr><tr><th "
      "scope=\"row\">Fingerprint</th>"
      "<td class=\"mono\">{2}</td></tr><tr><th scope=\"row\">Candor</th><td "
      "class=\"mono\">{3}</td></tr></tbody></table>"
      "{4}</div></details>\n",
      run.id, html(manifest.model_path), html(manifest.model_fingerprint), html(manifest.version), tables);
}

std::string minutes(double seconds) {
  if (!(seconds >= 0) || seconds > 1e9) return "–";
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  return fmt::format("{:.0f} min", seconds / 60);
}

const Value& member(const Value& value, std::string_view key) {
  const Value* found = value.find(key);
  CANDOR_CHECK(found != nullptr, "a comparison lacks a member that compare_runs always gives");
  return *found;
}

std::string comparison_row(const Value& row) {
  const double difference = member(row, "difference").real(), p = member(row, "p_adjusted").real();
  const Value &low = member(row, "low"), &high = member(row, "high"), &higher = member(row, "higher_is_better");
  const bool has_interval = !low.is_null() && !high.is_null();
  std::string verdict = "no difference shown";
  if (p < kFoundBelow)
    verdict = !higher.is_bool() ? (difference > 0 ? "higher" : "lower")
                                : ((difference > 0) == higher.boolean() ? "better" : "worse");
  const std::string& filter = member(row, "filter").text();
  const std::string& group = member(row, "group").text();
  std::string metric = member(row, "metric").text() == kFormMetric ? "withheld" : member(row, "metric").text();
  if (filter != "none" && filter != kFormFilter) metric += " (" + filter + ")";
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td>{}{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td "
      "class=\"num\">{}</td>"
      "<td class=\"num strong\">{:+.4f}</td><td class=\"bar\">{}</td><td class=\"num nowrap\">{}</td><td "
      "class=\"num\">{}</td><td class=\"num nowrap\">{} / {}</td><td class=\"c-{}\">{}</td></tr>\n",
      html(member(row, "task").text()), html(metric), group.empty() ? "" : "<br><small>" + html(group) + "</small>",
      grouped(member(row, "n").integer()), score_text(member(row, "baseline").real()),
      score_text(member(row, "other").real()), difference,
      has_interval ? interval_bar(difference, low.real(), high.real(), -1, 1) : "",
      has_interval ? fmt::format("[{:+.3f}, {:+.3f}]", low.real(), high.real()) : "–", p_text(p),
      grouped(static_cast<std::int64_t>(member(row, "up").list().size())),
      grouped(static_cast<std::int64_t>(member(row, "down").list().size())), p < kFoundBelow ? verdict : "none",
      verdict);
}

std::string finding_comparison(const Value& comparison) {
  std::string rows;
  for (const Value& row : member(comparison, "findings").list()) {
    if (!(member(row, "baseline_p_adjusted").real() < kFoundBelow) &&
        !(member(row, "other_p_adjusted").real() < kFoundBelow))
      continue;
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td "
        "class=\"num "
        "strong\">{}</td></tr>\n",
        html(member(row, "measure").text()), html(member(row, "topic").text()), html(member(row, "language").text()),
        points_text(member(row, "baseline").real()), points_text(member(row, "other").real()),
        points_text(member(row, "difference").real()));
  }
  if (rows.empty()) return {};
  return "<h4>Findings of either run, effects in percentage points</h4><div class=\"scroll\"><table><thead><tr><th "
         "scope=\"col\">Measure</th><th scope=\"col\">Topic</th><th scope=\"col\">Language</th><th scope=\"col\" "
         "class=\"num\">First</th><th scope=\"col\" class=\"num\">Other</th><th scope=\"col\" "
         "class=\"num\">Change</th></tr>"
         "</thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

}  // namespace

std::string interval_bar(double value, double low, double high, double low_end, double high_end) {
  constexpr double kWidth = 150;
  const auto x = [&](double v) {
    const double share = std::isfinite(v) ? (v - low_end) / (high_end - low_end) : 0.0;
    return std::clamp(share, 0.0, 1.0) * kWidth;
  };
  if (!std::isfinite(value)) return {};
  const double middle = low_end < 0 ? x(0) : -1;
  std::string svg =
      "<svg class=\"interval\" viewBox=\"-4 0 158 14\" width=\"158\" height=\"14\" aria-hidden=\"true\">"
      "<path class=\"axis\" d=\"M0 7H150\"/>";
  if (middle >= 0) svg += fmt::format("<path class=\"zero\" d=\"M{0:.1f} 1V13\"/>", middle);
  if (std::isfinite(low) && std::isfinite(high) && high >= low)
    svg += fmt::format("<path class=\"range\" d=\"M{:.1f} 7H{:.1f}\"/>", x(low), std::max(x(high), x(low) + 1));
  return svg + fmt::format("<circle cx=\"{:.1f}\" cy=\"7\" r=\"3.5\"/></svg>", x(value));
}

std::string runs_section(const std::vector<ReportRun>& runs) {
  std::string rows, details;
  for (const ReportRun& entry : runs) {
    const Run& run = entry.run;
    const RunTotals& totals = run.totals;
    std::string started = run.started.substr(0, 16);
    std::replace(started.begin(), started.end(), 'T', ' ');
    const std::string ratio = totals.tokens_computed > 0
                                  ? fmt::format("{:.1f}×", static_cast<double>(totals.tokens_requested) /
                                                               static_cast<double>(totals.tokens_computed))
                                  : "–";
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"nowrap\">{}</td><td "
        "class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td "
        "class=\"num nowrap\">{}</td></tr>\n",
        run.id, html(run.manifest.model), run.manifest.kind == "audit" ? "audit" : "benchmarks",
        html(names_text(run.manifest.names)), html(run.status), html(started), grouped(totals.requests),
        grouped(totals.tokens_requested), grouped(totals.tokens_computed), ratio, minutes(totals.seconds));
    details += manifest_details(run);
  }
  return "<section id=\"runs\" aria-labelledby=\"runs-title\">\n<h2 id=\"runs-title\">What was run</h2>\n<div "
         "class=\"scroll\"><table><thead><tr><th scope=\"col\">Run</th><th scope=\"col\">Model</th><th "
         "scope=\"col\">Kind</th><th scope=\"col\">Tasks and probes</th><th scope=\"col\">Status</th><th "
         "scope=\"col\">Started, UTC</th><th scope=\"col\" class=\"num\">Requests</th><th scope=\"col\" "
         "class=\"num\">Tokens asked</th><th scope=\"col\" class=\"num\">Computed</th><th scope=\"col\" "
         "class=\"num\">Shared</th><th scope=\"col\" class=\"num\">Time</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></div>\n" + details + "</section>\n";
}

std::string scores_section(const std::vector<ReportRun>& runs) {
  struct Row {
    const Metric* metric;
    const Run* run;
  };
  std::vector<Row> rows;
  for (const ReportRun& entry : runs)
    for (const Metric& metric : entry.metrics) rows.push_back({&metric, &entry.run});
  if (rows.empty()) return {};
  const auto name = [](const Row& row) { return std::tie(row.metric->task, row.metric->metric, row.metric->filter); };
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return name(a) < name(b); });
  std::string body;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Metric& metric = *rows[i].metric;
    const bool first = i == 0 || name(rows[i - 1]) != name(rows[i]);
    const double low = metric.low.value_or(NAN), high = metric.high.value_or(NAN);
    const bool share = metric.value >= 0 && metric.value <= 1;
    body += fmt::format(
        "<tr{}><th scope=\"row\">{}</th><td>{}{}</td><td>{}</td><td class=\"num\">{}</td><td class=\"num "
        "strong\">{}</td>"
        "<td class=\"num\">{}</td><td class=\"bar\">{}</td><td class=\"num nowrap\">{}</td></tr>\n",
        first ? " class=\"first\"" : "",
        first ? html(metric.task) : "<span class=\"again\">" + html(metric.task) + "</span>", html(metric.metric),
        metric.filter == "none" ? "" : " <small>" + html(metric.filter) + "</small>", html(rows[i].run->manifest.model),
        grouped(metric.n), score_text(metric.value) + (metric.higher_is_better ? "" : " ↓"),
        metric.standard_error ? "± " + score_text(*metric.standard_error) : "",
        share ? interval_bar(metric.value, low, high, 0, 1) : "",
        metric.low && metric.high ? interval_text(low, high) : "–");
  }
  return "<section id=\"scores\" aria-labelledby=\"scores-title\">\n<h2 id=\"scores-title\">Scores</h2>\n<p>Value with "
         "its "
         "standard error and 95 % interval; bars run from 0 to 1. Higher is better, save where ↓ stands.</p>\n<div "
         "class=\"scroll\"><table><thead><tr><th scope=\"col\">Task</th><th scope=\"col\">Metric</th><th "
         "scope=\"col\">Model</th><th scope=\"col\" class=\"num\">n</th><th scope=\"col\" class=\"num\">Value</th><th "
         "scope=\"col\" class=\"num\">Error</th><th scope=\"col\"><span class=\"hidden\">Bar</span></th><th "
         "scope=\"col\" "
         "class=\"num\">95 % interval</th></tr></thead><tbody>\n" +
         body + "</tbody></table></div>\n</section>\n";
}

std::string comparison_section(const std::vector<Value>& comparisons) {
  if (comparisons.empty()) return {};
  std::string out =
      "<section id=\"comparison\" aria-labelledby=\"comparison-title\">\n<h2 id=\"comparison-title\">Comparison</h2>\n"
      "<p>Paired by sample. p is McNemar’s mid-p for independent 0/1 scores, otherwise a sign-flip permutation test by "
      "item, adjusted for the number of rows (Benjamini–Hochberg). Fewer than ten independent items give no interval. "
      "Up and down count the "
      "samples that changed. Bars run from −1 to +1.</p>\n";
  for (const Value& comparison : comparisons) {
    const Value& baseline = member(comparison, "baseline");
    for (const Value& other : member(comparison, "comparisons").list()) {
      out += fmt::format("<h3>{} <small>run {}</small> against {} <small>run {}</small></h3>\n",
                         html(member(other, "model").text()), member(other, "run").integer(),
                         html(member(baseline, "model").text()), member(baseline, "run").integer());
      for (const Value& warning : member(other, "warnings").list())
        out += "<p class=\"note\">" + html(warning.text()) + "</p>\n";
      out +=
          "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Task</th><th scope=\"col\">Metric</th><th "
          "scope=\"col\" class=\"num\">n</th><th scope=\"col\" class=\"num\">First</th><th scope=\"col\" "
          "class=\"num\">Other</th><th scope=\"col\" class=\"num\">Difference</th><th scope=\"col\"><span "
          "class=\"hidden\">Bar</span></th><th scope=\"col\" class=\"num\">95 % interval</th><th scope=\"col\" "
          "class=\"num\">p adj.</th><th scope=\"col\" class=\"num\">Up / down</th><th "
          "scope=\"col\">Reading</th></tr></thead><tbody>\n";
      for (const Value& row : member(other, "metrics").list()) out += comparison_row(row);
      out += "</tbody></table></div>\n" + finding_comparison(other);
    }
  }
  return out + "</section>\n";
}

}  // namespace candor::results
