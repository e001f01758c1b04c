// Private: the safetensors format (huggingface/safetensors, README "Format").
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "engine/model/tensors.h"

namespace candor::model {

/// The weight files of a folder: model.safetensors, or the shards that model.safetensors.index.json names.
struct WeightFiles {
  std::vector<std::string> paths;                     ///< Sorted.
  std::map<std::string, std::string> file_of_tensor;  ///< From the index; empty without one.
};

/// @throws Error{kBadInput} if there are none, the index is malformed, or a shard is missing.
WeightFiles find_safetensors(const std::string& folder);

/// Adds the tensors of one file. They point into `file`, which must stay mapped.
/// @throws Error{kBadInput} naming what is malformed, or a tensor that `tensors` already has.
void read_safetensors(const MappedFile& file, TensorTable& tensors);

}  // namespace candor::model
