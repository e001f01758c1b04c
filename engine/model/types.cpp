#include <array>

#include "base/error.h"
#include "engine/model/model.h"

namespace candor::model {
namespace {

struct TypeRow {
  DataType type;
  std::string_view name;
  BlockSize block;
};

// Sizes: ggml's ggml-common.h (block_q4_0 and so on).
constexpr std::array<TypeRow, 16> kTypes = {{
    {DataType::kF32, "F32", {1, 4}},
    {DataType::kF16, "F16", {1, 2}},
    {DataType::kBF16, "BF16", {1, 2}},
    {DataType::kF8E4M3, "F8_E4M3", {1, 1}},
    {DataType::kQ4_0, "Q4_0", {32, 18}},
    {DataType::kQ4_1, "Q4_1", {32, 20}},
    {DataType::kQ5_0, "Q5_0", {32, 22}},
    {DataType::kQ5_1, "Q5_1", {32, 24}},
    {DataType::kQ8_0, "Q8_0", {32, 34}},
    {DataType::kQ2_K, "Q2_K", {256, 84}},
    {DataType::kQ3_K, "Q3_K", {256, 110}},
    {DataType::kQ4_K, "Q4_K", {256, 144}},
    {DataType::kQ5_K, "Q5_K", {256, 176}},
    {DataType::kQ6_K, "Q6_K", {256, 210}},
    {DataType::kIQ4_NL, "IQ4_NL", {32, 18}},
    {DataType::kMXFP4, "MXFP4", {32, 17}},
}};

const TypeRow& row_of(DataType type) {
  const TypeRow& row = kTypes.at(static_cast<std::size_t>(type));
  CANDOR_CHECK(row.type == type, "the table of types is not in the order of the enum");
  return row;
}

}  // namespace

std::string_view type_name(DataType type) {
  return row_of(type).name;
}
BlockSize block_size(DataType type) {
  return row_of(type).block;
}

}  // namespace candor::model
