// What turns a word into ids.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/text/tokenizer_vocabulary.h"

namespace candor::text {

/// Memory a model works in, kept between calls; for one thread at a time. Holds nothing that changes a result.
class ModelScratch {
 public:
  virtual ~ModelScratch() = default;
};

class TokenizerModel {
 public:
  virtual ~TokenizerModel() = default;
  virtual std::unique_ptr<ModelScratch> scratch() const = 0;
  /// Appends the ids of a word (well-formed UTF-8, not empty, below 2 GiB). `scratch` is one of this model's.
  virtual void encode(std::string_view word, ModelScratch& scratch, std::vector<TokenId>& ids) const = 0;
};

}  // namespace candor::text
