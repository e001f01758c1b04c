// A comparison as a table in the terminal.
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "results/audit.h"
#include "results/figures.h"
#include "results/report.h"
#include "results/text_display.h"
#include "results/text_table.h"

namespace candor::results {
namespace {

const Value& member(const Value& value, std::string_view key) {
  const Value* found = value.find(key);
  CANDOR_CHECK(found != nullptr, "a comparison lacks a member that compare_runs always gives");
  return *found;
}

std::string signed_score(double value) {
  return fmt::format("{:+.4f}", value);
}

std::string interval(const Value& row) {
  const Value &low = member(row, "low"), &high = member(row, "high");
  return low.is_null() || high.is_null() ? "–"
                                         : "[" + signed_score(low.real()) + ", " + signed_score(high.real()) + "]";
}

/// Green and red only where the difference is significant and it is known which way is good.
Ink difference_ink(const Value& row) {
  if (member(row, "p_adjusted").real() >= kFoundBelow) return Ink::kPlain;
  const Value& higher = member(row, "higher_is_better");
  if (!higher.is_bool()) return Ink::kBold;
  return (member(row, "difference").real() > 0) == higher.boolean() ? Ink::kGood : Ink::kBad;
}

std::string metric_rows(const Value& comparison, const Style& style) {
  TextTable table({{"task"},
                   {"metric"},
                   {"n", Align::kRight},
                   {"first", Align::kRight},
                   {"other", Align::kRight},
                   {"difference", Align::kRight},
                   {"95 % interval"},
                   {"p adj.", Align::kRight},
                   {"up/down", Align::kRight}});
  for (const Value& row : member(comparison, "metrics").list()) {
    const std::string& group = member(row, "group").text();
    const std::string& filter = member(row, "filter").text();
    std::string metric = member(row, "metric").text() == kFormMetric ? "withheld" : member(row, "metric").text();
    if (filter != "none" && filter != kFormFilter) metric += "/" + filter;
    if (!group.empty()) metric += ", " + group;
    table.add({member(row, "task").text(), metric, std::to_string(member(row, "n").integer()),
               score_text(member(row, "baseline").real()), score_text(member(row, "other").real()),
               Cell(signed_score(member(row, "difference").real()), difference_ink(row)), interval(row),
               p_text(member(row, "p_adjusted").real()),
               fmt::format("{}/{}", member(row, "up").list().size(), member(row, "down").list().size())});
  }
  return table.render(style);
}

std::string finding_rows(const Value& comparison, const Style& style) {
  TextTable table({{"finding"},
                   {"topic"},
                   {"language"},
                   {"first", Align::kRight},
                   {"other", Align::kRight},
                   {"difference", Align::kRight}});
  for (const Value& row : member(comparison, "findings").list()) {
    const double before = member(row, "baseline_p_adjusted").real(), after = member(row, "other_p_adjusted").real();
    if (!(before < kFoundBelow) && !(after < kFoundBelow)) continue;
    table.add({member(row, "measure").text(), member(row, "topic").text(), member(row, "language").text(),
               points_text(member(row, "baseline").real()), points_text(member(row, "other").real()),
               Cell(points_text(member(row, "difference").real()), Ink::kBold)});
  }
  return table.empty() ? std::string() : table.render(style);
}

}  // namespace

std::string comparison_table(const Value& comparison, const Style& style) {
  const Value& baseline = member(comparison, "baseline");
  std::string out;
  for (const Value& other : member(comparison, "comparisons").list()) {
    if (!out.empty()) out += "\n";
    out += inked(terminal_text(fmt::format("Run {} ({}) against run {} ({})", member(other, "run").integer(),
                                           member(other, "model").text(), member(baseline, "run").integer(),
                                           member(baseline, "model").text())),
                 Ink::kBold, style) +
           "\n";
    for (const Value& warning : member(other, "warnings").list())
      out += inked("Note: " + terminal_text(warning.text()), Ink::kBad, style) + "\n";
    out += "\n" + metric_rows(other, style);
    if (const std::string findings = finding_rows(other, style); !findings.empty())
      out += "\nFindings, in percentage points of sensitive against control\n" + findings;
  }
  return out;
}

}  // namespace candor::results
