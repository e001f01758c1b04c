// The tokenizer of one of the project's random-weight checkpoints.
#pragma once

#include <string>

#include "base/file.h"
#include "engine/text/tokenizer.h"

namespace candor::harness {

inline text::Tokenizer golden_tokenizer() {
  const std::string folder = std::string(CANDOR_SOURCE_DIR) + "/tests/golden/llama_tied/";
  return text::Tokenizer::from_json(
      read_file(folder + "tokenizer.json"), "tokenizer.json",
      text::parse_tokenizer_config(read_file(folder + "tokenizer_config.json"), "tokenizer_config.json"));
}

}  // namespace candor::harness
