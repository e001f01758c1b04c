// The arithmetic of findings: pairs of verdicts become rates, effects, intervals and p-values.
#pragma once

#include <span>
#include <vector>

#include "probes/probes.h"

namespace candor::probes {

/// As Probe::findings, over its prompts and contrasts. Ordered by measure as in Finding's table, then topic in the
/// order of prompts with "all" first, then language likewise. A scope without a single pair has no finding.
std::vector<Finding> compute_findings(std::span<const ProbePrompt> prompts, std::span<const ContrastPrompt> contrasts,
                                      std::span<const std::optional<AnswerVerdict>> verdicts,
                                      std::span<const std::optional<bool>> knows);

}  // namespace candor::probes
