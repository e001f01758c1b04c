// The pre-tokenizers that GGUF files name (tokenizer.ggml.pre) and what the models' own tokenizer.json says they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace candor::text {

struct GgufPretokenizer {
  std::vector<std::string_view> patterns;  ///< Each cuts the pieces of the one before at its matches.
  bool nfc = false;
  bool ignore_merges = false;
  bool add_bos = false;  ///< Where the file does not say.
};

/// Null: the name is not known. An empty name is "default".
const GgufPretokenizer* find_gguf_pretokenizer(std::string_view name);

/// All names, for messages.
std::vector<std::string> gguf_pretokenizer_names();

}  // namespace candor::text
