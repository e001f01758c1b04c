// Private: GGUF metadata -> ModelSpec (keys: llama.cpp's gguf-py/gguf/constants.py; meaning: its llama-model.cpp).
#pragma once

#include <string>
#include <vector>

#include "engine/model/gguf_metadata.h"
#include "engine/model/spec.h"
#include "engine/model/tensors.h"

namespace candor::model {

struct GgufModel {
  ModelSpec spec;
  std::vector<std::string> notes;
};

/// @param tensors  where the metadata leaves a size or a choice to them: vocabulary, tied head, rope_freqs.weight.
/// @param where    the file, for messages.
/// @throws Error{kBadInput} for an architecture that is not known (listing those that are), a key that is missing, or a
///         value that is not supported.
GgufModel read_gguf_spec(const GgufMetadata& metadata, const TensorTable& tensors, const std::string& where);

}  // namespace candor::model
