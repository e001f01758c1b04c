// The audit pages of a report: heat map, forms of the answers, findings.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/json.h"
#include "results/figures.h"
#include "results/html_text.h"
#include "results/report_sections.h"

namespace candor::results {
namespace {

constexpr std::size_t kMostEvidence = 500;  // samples that a finding's link carries

/// The judge's forms from most to least open (AUDIT.md, "form"): the order of the stacked bars.
constexpr const char* kForms[] = {"candid",  "partial", "hedged", "deflected",
                                  "refused", "denied",  "empty",  "degenerate"};

double rate(const AuditSide& side) {
  return side.n == 0 ? NAN : static_cast<double>(side.refused) / static_cast<double>(side.n);
}

/// Shade of a cell by sensitive minus control: h0 to h5 above, n1 and n2 below zero.
const char* shade(const AuditCell& cell) {
  const double difference = rate(cell.sensitive) - rate(cell.control);
  if (std::isnan(difference)) return "h0";
  if (difference <= -0.15) return "n2";
  if (difference <= -0.05) return "n1";
  if (difference < 0.05) return "h0";
  return difference < 0.15   ? "h1"
         : difference < 0.30 ? "h2"
         : difference < 0.50 ? "h3"
         : difference < 0.75 ? "h4"
                             : "h5";
}

std::string heat_cell(const AuditCell& cell, bool found) {
  const AuditSide &sensitive = cell.sensitive, &control = cell.control;
  const auto dot = [](double value, const char* style) {
    return std::isnan(value) ? std::string()
                             : fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"5\" r=\"3\"/>", style, value * 72);
  };
  return fmt::format(
      "<td class=\"{}{}\" title=\"sensitive {} of {}, control {} of {}\"><span class=\"s\">{}</span> <span "
      "class=\"vs\">: "
      "{}</span><svg viewBox=\"-4 0 80 10\" width=\"80\" height=\"10\" aria-hidden=\"true\"><path d=\"M0 "
      "5H72\"/>{}{}</svg>"
      "</td>",
      shade(cell), found ? " found" : "", sensitive.refused, sensitive.n, control.refused, control.n,
      rate_text(sensitive.refused, sensitive.n), rate_text(control.refused, control.n), dot(rate(control), "ctl"),
      dot(rate(sensitive), "sen"));
}

std::string name_of(const std::string& name, const char* what) {
  return name == kAll ? what : html(name);
}

std::string heat_map(const std::vector<const AuditCell*>& cells, const std::vector<FindingRow>& findings) {
  std::vector<std::string> topics, languages;
  for (const AuditCell* cell : cells) {
    if (std::find(topics.begin(), topics.end(), cell->topic) == topics.end()) topics.push_back(cell->topic);
    if (std::find(languages.begin(), languages.end(), cell->language) == languages.end())
      languages.push_back(cell->language);
  }
  const auto found = [&](const AuditCell& cell) {
    return std::any_of(findings.begin(), findings.end(), [&](const FindingRow& row) {
      return row.measure == "refusal" && row.topic == cell.topic && row.language == cell.language && is_found(row);
    });
  };
  std::string head, body;
  for (const std::string& language : languages)
    head += "<th scope=\"col\">" + name_of(language, "all languages") + "</th>";
  for (const std::string& topic : topics) {
    body += fmt::format("<tr{}><th scope=\"row\">{}</th>", topic == kAll ? " class=\"total\"" : "",
                        name_of(topic, "all topics"));
    for (const std::string& language : languages) {
      const auto cell = std::find_if(cells.begin(), cells.end(),
                                     [&](const AuditCell* c) { return c->topic == topic && c->language == language; });
      body += cell == cells.end() ? "<td class=\"none\">–</td>" : heat_cell(**cell, found(**cell));
    }
    body += "</tr>\n";
  }
  return "<div class=\"scroll\"><table class=\"heat\"><caption>Answers withheld (refused, deflected, denied, empty), "
         "<b class=\"sen\">sensitive</b> prompts : matched <b class=\"ctl\">controls</b>. Shade: the "
         "difference; framed: significant.</caption>"
         "<thead><tr><th scope=\"col\">Topic</th>" +
         head + "</tr></thead><tbody>\n" + body + "</tbody></table></div>\n";
}

std::string form_bar(const AuditSide& side) {
  std::string svg = "<svg class=\"forms\" viewBox=\"0 0 400 16\" width=\"400\" height=\"16\" aria-hidden=\"true\">";
  double x = 0;
  for (const char* form : kForms) {
    const auto count = side.forms.find(form);
    if (count == side.forms.end() || side.n == 0) continue;
    const double width = 400.0 * static_cast<double>(count->second) / static_cast<double>(side.n);
    svg += fmt::format("<rect class=\"f-{}\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"16\"/>", form, x,
                       std::max(width - 1, 0.5));
    x += width;
  }
  return svg + "</svg>";
}

std::string forms_table(const AuditCell& total) {
  std::set<std::string> used;
  for (const AuditSide* side : {&total.sensitive, &total.control})
    for (const auto& [form, count] : side->forms) used.insert(form);
  if (used.empty()) return {};
  std::string head, body;
  for (const char* form : kForms)
    if (used.contains(form))
      head += fmt::format("<th scope=\"col\" class=\"num\"><span class=\"key f-{0}\"></span>{0}</th>", form);
  for (const auto& [title, side] : {std::pair{"sensitive", &total.sensitive}, std::pair{"control", &total.control}}) {
    body += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"bar\">{}</td>", title, form_bar(*side));
    for (const char* form : kForms) {
      if (!used.contains(form)) continue;
      const auto count = side->forms.find(form);
      body += fmt::format("<td class=\"num\">{}</td>", count == side->forms.end() ? "0" : grouped(count->second));
    }
    body += fmt::format("<td class=\"num\">{}</td></tr>\n", grouped(side->n));
  }
  return "<h4>Form of the answers</h4><div class=\"scroll\"><table class=\"compact\"><thead><tr><th "
         "scope=\"col\">Prompts</th><th scope=\"col\"><span class=\"hidden\">Bar</span></th>" +
         head + "<th scope=\"col\" class=\"num\">all</th></tr></thead><tbody>\n" + body + "</tbody></table></div>\n";
}

std::string evidence_link(const FindingRow& row, std::size_t run) {
  if (!row.evidence.is_list() || row.evidence.list().empty()) return {};
  Value::List documents;
  for (const Value& document : row.evidence.list())
    if (document.is_integer() && documents.size() < kMostEvidence) documents.push_back(document);
  const std::string filter = to_json(Dict{{"run", run}, {"task", visible(row.probe)}, {"docs", documents}});
  return fmt::format("<a href=\"#samples\" data-filter=\"{}\">{} samples</a>", html(filter),
                     grouped(static_cast<std::int64_t>(row.evidence.list().size())));
}

std::string findings_table(const std::vector<const FindingRow*>& rows, std::size_t run) {
  std::string body;
  for (const FindingRow* row : rows)
    body += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"num\">{} <small>of {}</small></td><td "
        "class=\"num\">{} <small>of {}</small></td><td class=\"num strong\">{}</td><td class=\"bar\">{}</td><td "
        "class=\"num "
        "nowrap\">{}</td><td class=\"num\">{}</td><td class=\"nowrap\">{}</td></tr>\n",
        html(row->measure), name_of(row->topic, "all topics"), name_of(row->language, "all languages"),
        percent_text(row->sensitive), grouped(row->n_sensitive), percent_text(row->control), grouped(row->n_control),
        points_text(row->effect), interval_bar(row->effect, row->low, row->high, -1, 1),
        points_interval_text(row->low, row->high), p_text(row->p_adjusted), evidence_link(*row, run));
  return "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Measure</th><th scope=\"col\">Topic</th><th "
         "scope=\"col\">Language</th><th scope=\"col\" class=\"num\">Sensitive</th><th scope=\"col\" "
         "class=\"num\">Control</th><th scope=\"col\" class=\"num\">Effect, points</th><th scope=\"col\"><span "
         "class=\"hidden\">Bar</span></th><th scope=\"col\" class=\"num\">95 % interval</th><th scope=\"col\" "
         "class=\"num\">p adj.</th><th scope=\"col\">Evidence</th></tr></thead><tbody>\n" +
         body + "</tbody></table></div>\n";
}

std::string findings_part(const std::vector<FindingRow>& findings, std::size_t run) {
  std::vector<const FindingRow*> found, rest;
  for (const FindingRow& row : findings) (is_found(row) ? found : rest).push_back(&row);
  // The strongest evidence first; among equals the larger effect.
  std::stable_sort(found.begin(), found.end(), [](const FindingRow* a, const FindingRow* b) {
    return a->p_adjusted != b->p_adjusted ? a->p_adjusted < b->p_adjusted : std::abs(a->effect) > std::abs(b->effect);
  });
  std::string out = "<h4>Findings</h4>\n<p class=\"reading\">" + findings_summary(findings) + "</p>\n";
  if (!found.empty()) out += findings_table(found, run);
  if (!rest.empty())
    out += fmt::format("<details><summary>{} differences that were tested and not shown</summary>\n{}</details>\n",
                       rest.size(), findings_table(rest, run));
  return out;
}

}  // namespace

std::string audit_section(const std::vector<ReportRun>& runs) {
  std::string out;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    std::set<std::string> probes;
    for (const AuditCell& cell : runs[r].cells) probes.insert(cell.probe);
    for (const FindingRow& row : runs[r].findings) probes.insert(row.probe);
    for (const std::string& probe : probes) {
      std::vector<const AuditCell*> cells;
      std::vector<FindingRow> findings;
      for (const AuditCell& cell : runs[r].cells)
        if (cell.probe == probe) cells.push_back(&cell);
      for (const FindingRow& row : runs[r].findings)
        if (row.probe == probe) findings.push_back(row);
      out += fmt::format("<h3>{} <small>{}, run {}</small></h3>\n", html(runs[r].run.manifest.model), html(probe),
                         runs[r].run.id);
      if (!cells.empty()) out += heat_map(cells, findings) + forms_table(*cells.front());
      out += findings_part(findings, r);
    }
  }
  if (out.empty()) return {};
  return "<section id=\"audit\" aria-labelledby=\"audit-title\">\n<h2 id=\"audit-title\">Audit</h2>\n<p>Each sensitive "
         "item "
         "has a matched control: the same kind of question about an uncontroversial subject. What counts is the "
         "difference "
         "between the two, not the rate of refusals. Tests are paired by item and corrected for their number "
         "(Benjamini–Hochberg).</p>\n" +
         out + "</section>\n";
}

}  // namespace candor::results
