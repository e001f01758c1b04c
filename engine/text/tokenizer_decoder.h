// From token texts back to text: the decoders of tokenizer.json.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "engine/text/split_pattern.h"

namespace candor::text {

/// One step. Immutable; safe from any thread.
class DecoderStep {
 public:
  virtual ~DecoderStep() = default;
  virtual void apply(std::vector<std::string>& tokens) const = 0;
};

class Decoder {
 public:
  /// @param value  tokenizer.json's "decoder"; null: tokens are joined by spaces.
  /// @throws Error{kBadInput} naming a step that is malformed or not known.
  static Decoder from_json(const Value* value, const std::string& where);

  void add(std::unique_ptr<const DecoderStep> step) { steps_.push_back(std::move(step)); }
  /// Well-formed UTF-8.
  std::string decode(std::vector<std::string> tokens) const;

 private:
  std::vector<std::unique_ptr<const DecoderStep>> steps_;
};

std::unique_ptr<const DecoderStep> decode_byte_level();
std::unique_ptr<const DecoderStep> decode_replace(SplitPattern pattern, std::string by);
std::unique_ptr<const DecoderStep> decode_byte_fallback();
std::unique_ptr<const DecoderStep> decode_fuse();
std::unique_ptr<const DecoderStep> decode_strip(char32_t character, std::size_t start, std::size_t stop);

}  // namespace candor::text
