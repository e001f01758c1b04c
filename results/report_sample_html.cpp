// The samples' section of the report. The script builds the same elements from the same records.
#include <fmt/format.h>

#include <map>

#include "results/figures.h"
#include "results/html_text.h"
#include "results/report_samples.h"

namespace candor::results {
namespace {

constexpr std::size_t kWithoutScript = 300;  // samples that can be read without JavaScript

std::string text_of(const Value& record, const char* key) {
  const Value* member = record.find(key);
  return member != nullptr && member->is_text() ? member->text() : std::string();
}

std::string block(const Value& record, const char* key, const char* title, const char* style) {
  const Value* pieces = record.find(key);
  if (pieces == nullptr) return {};
  const std::string language = text_of(record, "language");
  return fmt::format("<h4>{}</h4><pre class=\"{}\" dir=\"auto\"{}>{}</pre>", title, style,
                     language.empty() ? "" : " lang=\"" + html(language) + "\"", html(pieces->list()));
}

std::string choices_table(const Value& record) {
  const Value* choices = record.find("choices");
  if (choices == nullptr) return {};
  std::string rows;
  for (const Value& choice : choices->list()) {
    const Value::List& cells = choice.list();
    rows += fmt::format("<tr><td dir=\"auto\">{}</td><td class=\"num\">{}</td><td>{}</td></tr>", html(cells[0].list()),
                        html(cells[1].text()), cells[2].boolean() ? "argmax" : "");
  }
  return "<h4>Choices</h4><table class=\"choices\"><thead><tr><th scope=\"col\">Continuation</th><th scope=\"col\" "
         "class=\"num\">Log-probability</th><th scope=\"col\">Greedy</th></tr></thead><tbody>" +
         rows + "</tbody></table>";
}

std::string first_line(const Value& record) {
  const Value* pieces = record.find("prompt");
  if (pieces == nullptr) return {};
  std::string line;
  for (const Value& piece : pieces->list()) {
    if (!piece.is_text()) continue;
    line += piece.text();
    if (line.size() > 400) break;
  }
  return html(line.substr(
      0, line.find('\n', line.find_first_not_of('\n') == std::string::npos ? 0 : line.find_first_not_of('\n'))));
}

std::string html_sample(const ReportSample& sample) {
  const Value& record = sample.record;
  std::string facts;
  for (const auto& [key, title] : {std::pair{"item", "Item"}, std::pair{"framing", "Framing"},
                                   std::pair{"confidence", "Confidence"}, std::pair{"facts", "Facts covered"}})
    if (const std::string text = text_of(record, key); !text.empty())
      facts += fmt::format("<span><b>{}</b> {}</span>", title, html(text));
  if (const Value* scores = record.find("scores"))
    for (const Value& score : scores->list()) facts += "<span>" + html(score.text()) + "</span>";
  std::string where;
  for (const char* key : {"role", "topic", "language"})
    if (const std::string text = text_of(record, key); !text.empty())
      where += (where.empty() ? "" : " · ") + html(text);
  const std::string verdict = html(text_of(record, "verdict"));
  return fmt::format(
      "<details class=\"sample\"><summary><span class=\"verdict v-{0}\">{0}</span><span class=\"where\">{1}</span>"
      "<span class=\"first\" dir=\"auto\">{2}</span></summary><div class=\"body\"><p "
      "class=\"facts\">{3}</p>{4}{5}{6}{7}"
      "{8}{9}</div></details>\n",
      verdict, where.empty() ? html(sample.task) + " " + std::to_string(sample.doc_id) : where, first_line(record),
      facts, block(record, "context", "Context", "context"), block(record, "prompt", "Prompt", "prompt"),
      block(record, "answer", "Answer", "answer"), choices_table(record), block(record, "target", "Target", "target"),
      block(record, "extracted", "Extracted", "target"));
}

std::string fallback(const ReportSamples& samples, const std::vector<Run>& runs) {
  std::map<std::pair<std::size_t, std::string>, std::vector<const ReportSample*>> groups;
  for (const ReportSample& sample : samples.samples) groups[{sample.run, sample.task}].push_back(&sample);
  std::string out;
  for (const auto& [key, members] : groups) {
    const std::size_t most = std::max<std::size_t>(kWithoutScript / groups.size(), 1);
    out += fmt::format("<details class=\"group\"><summary>{} — run {}, {}: {} of {} samples</summary>\n",
                       html(key.second), runs[key.first].id, html(runs[key.first].manifest.model),
                       std::min(most, members.size()), members.size());
    for (std::size_t i = 0; i < std::min(most, members.size()); ++i) out += html_sample(*members[i]);
    out += "</details>\n";
  }
  return out;
}

}  // namespace

std::string samples_section(const ReportSamples& samples, const std::vector<Run>& runs) {
  if (samples.samples.empty()) return {};
  Value::List records, labels;
  for (const ReportSample& sample : samples.samples) records.push_back(sample.record);
  for (const Run& run : runs) labels.emplace_back(visible(fmt::format("run {} · {}", run.id, run.manifest.model)));
  const auto shown = static_cast<std::int64_t>(samples.samples.size());
  std::string filters;
  for (const auto& [key, title] :
       {std::pair{"run", "Run"}, std::pair{"task", "Task"}, std::pair{"verdict", "Verdict"}, std::pair{"role", "Role"},
        std::pair{"topic", "Topic"}, std::pair{"language", "Language"}})
    filters +=
        fmt::format("<label>{}<select data-key=\"{}\"><option value=\"\">all</option></select></label>", title, key);
  return fmt::format(
      "<section id=\"samples\" aria-labelledby=\"samples-title\">\n<h2 id=\"samples-title\">Samples</h2>\n"
      "<p>{} of {} samples. Marked in the answers: <mark class=\"rule\">a rule that decided the verdict</mark>, "
      "<mark class=\"fact\">a reference fact that is stated</mark>, <mark class=\"narrative\">a narrative "
      "marker</mark>; "
      "point at a mark for its name. Characters that cannot be seen are <span class=\"named\">U+202E</span> "
      "named.</p>\n<form id=\"filters\" hidden>{}<label class=\"wide\">Text<input type=\"search\" data-key=\"text\" "
      "placeholder=\"in prompts and answers\"></label><button type=\"reset\">Clear</button></form>\n"
      "<p id=\"count\" role=\"status\" hidden></p>\n<div id=\"list\">\n<noscript><p class=\"note\">Without JavaScript "
      "the "
      "first samples of each task are shown.</p></noscript>\n{}</div>\n<p><button id=\"more\" type=\"button\" "
      "hidden>Show "
      "more</button></p>\n<script type=\"application/json\" id=\"data\">{}</script>\n</section>\n",
      grouped(shown), grouped(samples.total), filters, fallback(samples, runs),
      script_json(Dict{{"runs", std::move(labels)}, {"samples", std::move(records)}}));
}

}  // namespace candor::results
