// Private: the GGUF format, versions 2 and 3 (ggml's docs/gguf.md), and files split by llama.cpp's gguf-split.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "engine/model/gguf_metadata.h"
#include "engine/model/tensors.h"

namespace candor::model {

/// Reads one file: its metadata, and its tensors into `tensors`. Both point into `file`, which must stay mapped.
/// @throws Error{kBadInput} naming what is malformed; a truncated file is one error.
GgufMetadata read_gguf(const MappedFile& file, TensorTable& tensors);

/// All parts of the model that the file at `path` is a part of, in order; `path` alone when it is not split.
/// Goes by the name, "<stem>-00002-of-00005.gguf".
/// @throws Error{kBadInput} naming a part that is missing.
std::vector<std::string> find_gguf_parts(const std::string& path);

}  // namespace candor::model
