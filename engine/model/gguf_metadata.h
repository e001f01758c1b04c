// Private: the key-value part of a GGUF file (ggml's docs/gguf.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace candor::model {

/// Reads little-endian values one after another, never past the end.
class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  std::size_t position() const noexcept { return position_; }
  std::uint64_t remaining() const noexcept { return bytes_.size() - position_; }
  const std::string& where() const noexcept { return where_; }

  /// All throw Error{kBadInput} where the file ends too early.
  std::uint32_t u32();
  std::uint64_t u64();
  std::string_view text();
  std::span<const std::byte> take(std::uint64_t count);

 private:
  std::span<const std::byte> bytes_;
  std::string where_;
  std::size_t position_ = 0;
};

/// The metadata: typed look-up by key. Arrays stay in the file and are decoded when asked for, so that what a hostile
/// file makes us allocate is bounded by its size. A view: lives as long as the mapped file.
class GgufMetadata {
 public:
  GgufMetadata() = default;
  /// @throws Error{kBadInput} for a type that is not known, an array in more than four arrays, a key that stands twice.
  GgufMetadata(GgufCursor& cursor, std::uint64_t count);

  bool has(std::string_view key) const;

  /// Absent: nothing. Of another type: Error{kBadInput} naming the key. An array counts as its element if all its
  /// elements are equal (per-layer values that do not differ).
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<double> real(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;
  std::vector<std::int64_t> integers(std::string_view key) const;
  std::vector<double> reals(std::string_view key) const;

  /// Bytes of the entries whose keys start with `prefix`, by key: for the fingerprint.
  std::map<std::string, std::span<const std::byte>> raw(std::string_view prefix) const;

 private:
  struct Entry {
    std::uint32_t type = 0;
    std::uint32_t element_type = 0;  // of an array
    std::uint64_t count = 1;
    std::span<const std::byte> data;  // of the value; of an array: of its elements
  };
  const Entry* find(std::string_view key) const;
  [[noreturn]] void refuse(std::string_view key, std::string_view wanted) const;
  static void skip(GgufCursor& cursor, std::uint32_t type, std::uint64_t count, int depth);
  static Entry read_entry(GgufCursor& cursor);

  std::map<std::string, Entry, std::less<>> entries_;
  std::string where_;
};

}  // namespace candor::model
