// Private: what lies beside the weights: tokenizer, chat template, end-of-sequence ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/gguf_metadata.h"
#include "engine/model/hf_config.h"
#include "engine/text/tokenizer.h"

namespace candor::model {

/// Files of a Hugging Face folder, read when asked for.
class HfCompanions {
 public:
  explicit HfCompanions(std::string folder) : folder_(std::move(folder)) {}

  /// @throws Error{kBadInput}, also where tokenizer.json is missing.
  text::Tokenizer tokenizer() const;
  /// Of chat_template.jinja, tokenizer_config.json or chat_template.json; of several named ones "default".
  std::optional<std::string> chat_template() const;
  /// Sets the spec's eos and bos. What ends a generation: generation_config.json, else config.json, else
  /// tokenizer_config.json (transformers' order).
  void read_ends(const HfConfig& config, ModelSpec& spec) const;
  /// All that is there, in a fixed order: for the fingerprint and its cache.
  std::vector<std::string> files() const;

 private:
  std::string path(const char* name) const;
  bool has(const char* name) const;
  std::optional<Value> read(const char* name) const;

  std::string folder_;
};

/// The same from GGUF metadata.
text::Tokenizer gguf_tokenizer(const GgufMetadata& metadata, const std::string& where);
std::optional<std::string> gguf_chat_template(const GgufMetadata& metadata);
void read_gguf_ends(const GgufMetadata& metadata, ModelSpec& spec);

}  // namespace candor::model
