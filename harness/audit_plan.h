// Audits as a plan: a probe's prompts become requests, the answers verdicts and findings.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "harness/options.h"
#include "harness/plan.h"
#include "probes/probes.h"

namespace candor::harness {

struct AuditPlanOptions {
  Shard shard = {};                         ///< Which items.
  std::optional<int> limit = std::nullopt;  ///< Items of each probe.
  /// Puts a question into the model's chat template, up to where the answer begins. Absent: the model has none, and
  /// is asked in plain text.
  std::function<std::string(const std::string& question)> chat = nullptr;
};

/// @param manifest  of the run; hashes of the probes and of the rules are added.
/// @throws Error{kBadInput} naming probe and prompt where a prompt is longer than the model's context.
std::unique_ptr<Plan> plan_audit(std::vector<probes::Probe> probes, const engine::LanguageModel& model,
                                 results::Manifest manifest, const AuditPlanOptions& options);

}  // namespace candor::harness
