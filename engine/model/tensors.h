// Private: the tensors of a checkpoint's files, by name, before anyone knows what they mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/model.h"

namespace candor::model {

/// One tensor as a file describes it. `data` was checked to lie in the file and to have the size that shape and type
/// demand (where the type is known).
struct Tensor {
  std::string type;                 ///< As the file spells it: "BF16", "U8", "Q4_K".
  std::optional<DataType> known;    ///< Empty: a type that no weight may have.
  std::vector<std::int64_t> shape;  ///< Slowest first; empty: a scalar.
  std::span<const std::byte> data;
  std::string file;  ///< For messages.
};

/// Ordered, so that whatever walks it (the fingerprint) does so in one order wherever the tensors lie.
using TensorTable = std::map<std::string, Tensor, std::less<>>;

/// "[3, 4]"
std::string shape_text(const std::vector<std::int64_t>& shape);

/// Product of the shape; nothing on overflow of 63 bits or a negative dimension.
std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape);

/// Bytes of a row of `cols` elements; nothing if `cols` is no multiple of the type's block or on overflow.
std::optional<std::int64_t> row_bytes(DataType type, std::int64_t cols);

/// @throws Error{kBadInput} naming two tensors of `file` whose bytes overlap.
void refuse_overlaps(const TensorTable& tensors, const std::string& file);

}  // namespace candor::model
