// Private: which tensor has which role, for Hugging Face's names and for GGUF's.
#pragma once

#include "engine/model/builder.h"
#include "engine/model/hf_config.h"

namespace candor::model {

/// @throws Error{kBadInput} naming a tensor that is missing, of the wrong shape or of a type that is not supported.
Weights bind_hf(const HfModel& model, CheckpointBuilder& builder);
Weights bind_gguf(const ModelSpec& spec, CheckpointBuilder& builder);

}  // namespace candor::model
