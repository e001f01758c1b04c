// Small checkpoint files that tests write.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace candor::model {

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

inline std::string safetensors_file(const std::string& header, const std::string& data) {
  std::string out;
  put<std::uint64_t>(out, header.size());
  return out + header + data;
}

/// Writes GGUF as docs/gguf.md describes it.
class GgufWriter {
 public:
  explicit GgufWriter(std::uint32_t version = 3) : version_(version) {}

  GgufWriter& text(const std::string& key, const std::string& value) {
    begin(key, 8);
    put_text(entries_, value);
    return *this;
  }
  GgufWriter& u32(const std::string& key, std::uint32_t value) { return begin(key, 4), put(entries_, value), *this; }
  GgufWriter& f32(const std::string& key, float value) { return begin(key, 6), put(entries_, value), *this; }
  GgufWriter& flag(const std::string& key, bool value) {
    return begin(key, 7), put<std::uint8_t>(entries_, value), *this;
  }
  GgufWriter& u32s(const std::string& key, const std::vector<std::uint32_t>& values) {
    begin(key, 9);
    put<std::uint32_t>(entries_, 4);
    put<std::uint64_t>(entries_, values.size());
    for (std::uint32_t value : values) put(entries_, value);
    return *this;
  }
  /// Any value, given as its bytes.
  GgufWriter& raw(const std::string& key, std::uint32_t type, const std::string& bytes) {
    begin(key, type);
    entries_ += bytes;
    return *this;
  }
  /// @param shape  slowest first; `data` is padded to the alignment of 32.
  GgufWriter& tensor(const std::string& name, std::uint32_t type, std::vector<std::uint64_t> shape,
                     const std::string& data) {
    put_text(infos_, name);
    put<std::uint32_t>(infos_, static_cast<std::uint32_t>(shape.size()));
    for (auto size = shape.rbegin(); size != shape.rend(); ++size) put(infos_, *size);
    put(infos_, type);
    put<std::uint64_t>(infos_, data_.size());
    data_ += data;
    data_.resize((data_.size() + 31) / 32 * 32);
    ++tensors_;
    return *this;
  }
  /// F32 tensor of small different values.
  GgufWriter& f32_tensor(const std::string& name, std::vector<std::uint64_t> shape) {
    std::uint64_t count = 1;
    for (std::uint64_t size : shape) count *= size;
    std::string data;
    for (std::uint64_t i = 0; i < count; ++i) put(data, 0.01f * static_cast<float>((i * 7 + tensors_) % 23) - 0.1f);
    return tensor(name, 0, std::move(shape), data);
  }

  std::string bytes() const {
    std::string out = "GGUF";
    put(out, version_);
    put<std::uint64_t>(out, tensors_);
    put<std::uint64_t>(out, entry_count_);
    out += entries_ + infos_;
    if (tensors_ > 0) out.resize((out.size() + 31) / 32 * 32);
    return out + data_;
  }

 private:
  static void put_text(std::string& out, const std::string& text) {
    put<std::uint64_t>(out, text.size());
    out += text;
  }
  void begin(const std::string& key, std::uint32_t type) {
    put_text(entries_, key);
    put(entries_, type);
    ++entry_count_;
  }

  std::uint32_t version_;
  std::uint64_t tensors_ = 0, entry_count_ = 0;
  std::string entries_, infos_, data_;
};

}  // namespace candor::model
