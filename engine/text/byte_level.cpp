#include "engine/text/byte_level.h"

#include <array>

#include "base/utf8.h"

namespace candor::text {
namespace {

struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<int, 0x200> bytes{};  // by code point; negative: not in the alphabet

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
      const char32_t c = printable ? static_cast<char32_t>(byte) : next++;
      append_utf8(characters[static_cast<std::size_t>(byte)], c);
      bytes[c] = byte;
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet value;
  return value;
}

}  // namespace

std::string_view byte_level_character(unsigned char byte) noexcept {
  return alphabet().characters[byte];
}

void append_byte_level(std::string& out, std::string_view bytes) {
  const Alphabet& known = alphabet();
  for (const char byte : bytes) out += known.characters[static_cast<unsigned char>(byte)];
}

bool append_byte_level_bytes(std::string& out, std::string_view characters) {
  const Alphabet& known = alphabet();
  const std::size_t before = out.size();
  for (std::size_t at = 0; at < characters.size();) {
    const char32_t c = next_code_point(characters, at);
    if (c >= known.bytes.size() || known.bytes[c] < 0) {
      out.resize(before);
      return false;
    }
    out += static_cast<char>(known.bytes[c]);
  }
  return true;
}

}  // namespace candor::text
