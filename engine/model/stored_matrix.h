// Private: what a StoredMatrix may be beyond rows of one tensor.
#pragma once

#include "engine/model/model.h"

namespace candor::model {

/// kv_b_proj as newer deepseek2 GGUF files keep it: per head the key part transposed, and the value part.
/// Row r of head h of the whole is column r of `key` for r < nope_dim, else row r - nope_dim of `value`.
struct SplitLatent {
  StoredMatrix key;    ///< [heads * kv_lora_rank, nope_dim]
  StoredMatrix value;  ///< [heads * v_head_dim, kv_lora_rank]
  int nope_dim = 0, v_head_dim = 0, kv_lora_rank = 0;
};

/// A row of the key part is widened on the stack.
inline constexpr int kMaxSplitNopeDim = 1024;

}  // namespace candor::model
