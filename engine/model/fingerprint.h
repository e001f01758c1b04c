// Private: the identity of a model, whatever its files are called.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/model/spec.h"
#include "engine/model/tensors.h"

namespace candor::model {

/// What the fingerprint is taken of.
struct FingerprintParts {
  const ModelSpec& spec;  ///< All but the name.
  const TensorTable& tensors;
  const std::set<std::string>& used;  ///< Names in `tensors` that count: not multi-token prediction and the like.
  /// Tokenizer and chat template: label and bytes. Paths do not belong here.
  std::vector<std::pair<std::string, std::string>> companions;
};

/// SHA-256, 64 hexadecimal digits. Tensors are taken in the order of their names, so that it does not matter in which
/// shard they lie.
std::string compute_fingerprint(const FingerprintParts& parts);

/// A fingerprint kept from an earlier run, for files that have not changed since (real path, size, time of change).
class FingerprintCache {
 public:
  /// @param files  all that the fingerprint depends on.
  explicit FingerprintCache(const std::vector<std::string>& files);

  /// Empty: none is kept.
  std::string find() const;
  /// A folder that cannot be written is no error: the next run computes again.
  void keep(const std::string& fingerprint) const;

 private:
  std::string path_;  // empty: there is no cache folder
};

}  // namespace candor::model
