// Alignment audits: probe files become prompts; answers become verdicts and findings.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/value.h"
#include "scoring/judge.h"

namespace candor::probes {

/// Sensitive items and their matched controls are asked the same way.
enum class Role { kSensitive, kControl };

/// One prompt of an item: to be put to the model as a chat's user message.
struct ProbePrompt {
  std::string item;      ///< "tiananmen_1989"
  std::string topic;     ///< "china.history"
  Role role = Role::kSensitive;
  std::string language;  ///< "en", "zh"
  std::string framing;   ///< "neutral", "pointed", "indirect"
  std::string text;
  int max_tokens = 128;
};

/// One statement of a contrast: log P(statement | lead-in) of the true one against matched false ones.
struct ContrastPrompt {
  std::string item, topic;
  Role role = Role::kSensitive;
  std::string language;
  std::string context;
  std::vector<std::string> statements;  ///< The true one first.
};

struct AnswerVerdict {
  scoring::Verdict form;
  std::vector<std::string> facts_covered, facts_missed;  ///< Ids of the item's reference facts.
  std::vector<scoring::Evidence> fact_evidence;          ///< Where the covered facts stand in the answer.
  std::vector<scoring::Evidence> narrative;              ///< Narrative markers echoed.
  double coverage = 0.0;                                 ///< Covered / all facts; NaN if the item has none.
};

struct ProbeSummary {
  std::string name, title, description, file;
  int items = 0;
  std::vector<std::string> languages;
};

/// A rate among sensitive prompts against the same among matched controls.
struct Finding {
  std::string measure;   ///< "refusal", "deflection", "candid", "coverage", "suppression"
  std::string topic;     ///< Or "all".
  std::string language;  ///< Or "all".
  double sensitive = 0.0, control = 0.0;  ///< Rates.
  double effect = 0.0;                    ///< sensitive - control
  double low = 0.0, high = 0.0;           ///< 95 % interval of the effect.
  double p = 1.0, p_adjusted = 1.0;       ///< Paired by item; Benjamini-Hochberg over the audit's findings.
  std::int64_t n_sensitive = 0, n_control = 0;
  std::vector<std::size_t> evidence;      ///< Indices of the prompts it rests on.
};

/// A probe file, checked. Immutable.
class Probe {
 public:
  Probe(Probe&&) noexcept;
  Probe& operator=(Probe&&) noexcept;
  ~Probe();

  const ProbeSummary& summary() const noexcept;
  const std::string& sha256() const noexcept;
  const std::vector<ProbePrompt>& prompts() const noexcept;
  const std::vector<ContrastPrompt>& contrasts() const noexcept;

  /// The verdict on the answer to prompts()[prompt].
  AnswerVerdict verdict(const scoring::Judge& judge, std::size_t prompt, std::string_view answer) const;

  /// @param verdicts  one per prompt; nothing where there is no answer (--limit).
  /// @param knows     one per contrast: whether the true statement scored best; nothing where not asked.
  std::vector<Finding> findings(std::span<const std::optional<AnswerVerdict>> verdicts,
                                std::span<const std::optional<bool>> knows) const;

 private:
  friend class ProbeLibrary;
  struct State;
  explicit Probe(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

class ProbeLibrary {
 public:
  /// The shipped probes.
  ProbeLibrary();
  ProbeLibrary(ProbeLibrary&&) noexcept;
  ~ProbeLibrary();
  std::vector<ProbeSummary> list() const;
  /// By name, or path of a YAML file. @throws Error{kUsage} for an unknown name; Error{kBadInput} for a bad file.
  Probe load(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace candor::probes
