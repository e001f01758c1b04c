#include "engine/model/tensors.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace candor::model {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape) {
  // An empty tensor may have absurd other dimensions, which must not overflow on the way to zero.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t count = 1;
  for (std::int64_t dimension : shape) {
    if (dimension < 0 || dimension > std::numeric_limits<std::int64_t>::max() / count) return std::nullopt;
    count *= dimension;
  }
  return count;
}

std::optional<std::int64_t> row_bytes(DataType type, std::int64_t cols) {
  const BlockSize block = block_size(type);
  if (cols % block.elements != 0) return std::nullopt;
  const std::int64_t blocks = cols / block.elements;
  if (blocks > std::numeric_limits<std::int64_t>::max() / block.bytes) return std::nullopt;
  return blocks * block.bytes;
}

void refuse_overlaps(const TensorTable& tensors, const std::string& file) {
  std::vector<std::pair<std::span<const std::byte>, const std::string*>> spans;
  for (const auto& [name, tensor] : tensors)
    if (tensor.file == file && !tensor.data.empty()) spans.emplace_back(tensor.data, &name);
  std::sort(spans.begin(), spans.end(), [](const auto& a, const auto& b) { return a.first.data() < b.first.data(); });
  for (std::size_t i = 1; i < spans.size(); ++i) {
    if (spans[i - 1].first.data() + spans[i - 1].first.size() > spans[i].first.data()) {
      throw Error(ErrorKind::kBadInput, file,
                  "tensors '" + *spans[i - 1].second + "' and '" + *spans[i].second + "' overlap",
                  "the file is damaged: download it again");
    }
  }
}

}  // namespace candor::model
