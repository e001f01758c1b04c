#include "engine/model/gguf.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>

#include "base/error.h"

namespace candor::model {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint32_t kMaxDimensions = 4;   // GGML_MAX_DIMS
// Name, dimensions, type and offset of the shortest tensor info; key, type and value of the shortest entry.
constexpr std::uint64_t kMinTensorInfoBytes = 8 + 4 + 8 + 4 + 8, kMinEntryBytes = 8 + 4 + 1;
constexpr std::uint64_t kMaxAlignment = 1 << 20;

/// ggml_type of ggml.h. Those that are not listed are known by number only.
std::optional<DataType> type_of(std::uint32_t number) {
  switch (number) {
    case 0:
      return DataType::kF32;
    case 1:
      return DataType::kF16;
    case 2:
      return DataType::kQ4_0;
    case 3:
      return DataType::kQ4_1;
    case 6:
      return DataType::kQ5_0;
    case 7:
      return DataType::kQ5_1;
    case 8:
      return DataType::kQ8_0;
    case 10:
      return DataType::kQ2_K;
    case 11:
      return DataType::kQ3_K;
    case 12:
      return DataType::kQ4_K;
    case 13:
      return DataType::kQ5_K;
    case 14:
      return DataType::kQ6_K;
    case 20:
      return DataType::kIQ4_NL;
    case 30:
      return DataType::kBF16;
    case 39:
      return DataType::kMXFP4;
    default:
      return std::nullopt;
  }
}

std::string name_of(std::uint32_t number) {
  if (const auto known = type_of(number)) return std::string(type_name(*known));
  switch (number) {
    case 9:
      return "Q8_1";
    case 15:
      return "Q8_K";
    case 16:
      return "IQ2_XXS";
    case 17:
      return "IQ2_XS";
    case 18:
      return "IQ3_XXS";
    case 19:
      return "IQ1_S";
    case 21:
      return "IQ3_S";
    case 22:
      return "IQ2_S";
    case 23:
      return "IQ4_XS";
    case 24:
      return "I8";
    case 25:
      return "I16";
    case 26:
      return "I32";
    case 27:
      return "I64";
    case 28:
      return "F64";
    case 29:
      return "IQ1_M";
    case 34:
      return "TQ1_0";
    case 35:
      return "TQ2_0";
    case 40:
      return "NVFP4";
    default:
      return "ggml type " + std::to_string(number);
  }
}

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::kBadInput, where, what, "the file is damaged: download it again");
}

struct Info {
  std::string name;
  Tensor tensor;
  std::uint64_t offset = 0;
};

Info read_info(GgufCursor& cursor, const std::string& file) {
  Info info;
  info.name = cursor.text();
  const std::string where = file + ": tensor '" + info.name + "'";
  const std::uint32_t dimensions = cursor.u32();
  if (dimensions > kMaxDimensions) refuse(where, "has " + std::to_string(dimensions) + " dimensions");
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const std::uint64_t size = cursor.u64();
    if (size > static_cast<std::uint64_t>(INT64_MAX)) refuse(where, "has a dimension of " + std::to_string(size));
    info.tensor.shape.insert(info.tensor.shape.begin(),
                             static_cast<std::int64_t>(size));  // the file's order: fastest first
  }
  const std::uint32_t type = cursor.u32();
  info.tensor.known = type_of(type);
  info.tensor.type = name_of(type);
  info.tensor.file = file;
  info.offset = cursor.u64();
  return info;
}

/// Finds the tensor's bytes in the part of the file behind the infos.
void place(Info& info, std::span<const std::byte> data, std::uint64_t alignment, const std::string& file) {
  const std::string where = file + ": tensor '" + info.name + "'";
  if (info.offset % alignment != 0) refuse(where, "is not aligned to " + std::to_string(alignment) + " bytes");
  if (info.offset > data.size()) refuse(where, "begins past the end of the file");
  const std::span<const std::byte> rest = data.subspan(info.offset);
  if (!info.tensor.known) {
    info.tensor.data = rest.first(0);  // a type of unknown size; whoever asks for the tensor gets the error
    return;
  }
  const std::int64_t cols = info.tensor.shape.empty() ? 1 : info.tensor.shape.back();
  const std::optional<std::int64_t> row = row_bytes(*info.tensor.known, cols);
  if (!row)
    refuse(where, "has rows of " + std::to_string(cols) + " elements, which " + info.tensor.type + " cannot have");
  std::vector<std::int64_t> sizes = info.tensor.shape;
  if (!sizes.empty()) sizes.pop_back();
  sizes.push_back(*row);
  const std::optional<std::int64_t> bytes = element_count(sizes);
  if (!bytes || static_cast<std::uint64_t>(*bytes) > rest.size()) {
    refuse(where, "of shape " + shape_text(info.tensor.shape) + " ends past the file (" + std::to_string(rest.size()) +
                      " bytes are left)");
  }
  info.tensor.data = rest.first(static_cast<std::size_t>(*bytes));
}

std::uint64_t alignment_of(const GgufMetadata& metadata, const std::string& file) {
  const std::int64_t alignment = metadata.integer("general.alignment").value_or(32);
  const auto value = static_cast<std::uint64_t>(alignment);
  if (alignment <= 0 || value > kMaxAlignment || (value & (value - 1)) != 0)
    refuse(file, "general.alignment is " + std::to_string(alignment) + ", no power of two");
  return value;
}

}  // namespace

GgufMetadata read_gguf(const MappedFile& file, TensorTable& tensors) {
  const std::string name = std::filesystem::path(file.path()).filename().string();
  GgufCursor cursor(file.bytes(), file.path());
  if (file.bytes().size() < 24 || cursor.u32() != kMagic)
    throw Error(ErrorKind::kBadInput, file.path(), "is no GGUF file", "expected a .gguf file or a checkpoint's folder");
  const std::uint32_t version = cursor.u32();
  if (version == 0x02000000 || version == 0x03000000)
    throw Error(ErrorKind::kBadInput, file.path(), "is a big-endian GGUF file", "convert it to little-endian");
  if (version != 2 && version != 3)
    throw Error(ErrorKind::kBadInput, file.path(),
                "is GGUF version " + std::to_string(version) + "; known are 2 and 3");
  const std::uint64_t tensor_count = cursor.u64();
  const std::uint64_t entry_count = cursor.u64();
  if (tensor_count > cursor.remaining() / kMinTensorInfoBytes || entry_count > cursor.remaining() / kMinEntryBytes) {
    refuse(file.path(), "says it has " + std::to_string(tensor_count) + " tensors and " + std::to_string(entry_count) +
                            " keys, more than its " + std::to_string(file.bytes().size()) + " bytes can hold");
  }
  GgufMetadata metadata(cursor, entry_count);
  const std::uint64_t alignment = alignment_of(metadata, file.path());

  std::vector<Info> infos;
  for (std::uint64_t i = 0; i < tensor_count; ++i) infos.push_back(read_info(cursor, name));
  const std::uint64_t start = (cursor.position() + alignment - 1) / alignment * alignment;
  if (tensor_count > 0 && start > file.bytes().size()) refuse(file.path(), "ends before the data of its tensors");
  const auto data = file.bytes().subspan(std::min<std::uint64_t>(start, file.bytes().size()));
  for (Info& info : infos) {
    place(info, data, alignment, name);
    const std::string where = name + ": tensor '" + info.name + "'";
    if (const auto [other, added] = tensors.emplace(std::move(info.name), std::move(info.tensor)); !added)
      refuse(where, "is also in " + other->second.file);
  }
  refuse_overlaps(tensors, name);
  return metadata;
}

std::vector<std::string> find_gguf_parts(const std::string& path) {
  // gguf-split: "%s-%05d-of-%05d.gguf", counted from 1.
  constexpr std::string_view kPattern = "-00000-of-00000.gguf";
  const auto is_part = [&](std::string_view tail) {
    for (std::size_t i = 0; i < kPattern.size(); ++i) {
      const bool digit = std::isdigit(static_cast<unsigned char>(tail[i])) != 0;
      if (kPattern[i] == '0' ? !digit : tail[i] != kPattern[i]) return false;
    }
    return true;
  };
  if (path.size() < kPattern.size() || !is_part(std::string_view(path).substr(path.size() - kPattern.size())))
    return {path};
  const std::string stem = path.substr(0, path.size() - kPattern.size());
  const int count = std::stoi(path.substr(path.size() - 10, 5));
  std::vector<std::string> parts;
  for (int part = 1; part <= count; ++part) {
    std::array<char, 32> tail;
    std::snprintf(tail.data(), tail.size(), "-%05d-of-%05d.gguf", part, count);
    parts.push_back(stem + tail.data());
    std::error_code error;
    if (!std::filesystem::exists(parts.back(), error)) {
      throw Error(ErrorKind::kBadInput, parts.back(),
                  "is missing: the model is split into " + std::to_string(count) + " files", "download it");
    }
  }
  if (parts.empty()) return {path};
  return parts;
}

}  // namespace candor::model
