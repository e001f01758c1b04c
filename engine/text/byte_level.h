// GPT-2's byte alphabet: every byte has a printable character, so that any text is a text of printable characters
// (github.com/openai/gpt-2, src/encoder.py, bytes_to_unicode).
#pragma once

#include <string>
#include <string_view>

namespace candor::text {

/// The character that stands for a byte, as UTF-8 (one or two bytes); lives as long as the program.
std::string_view byte_level_character(unsigned char byte) noexcept;

/// Appends the characters that stand for these bytes.
void append_byte_level(std::string& out, std::string_view bytes);

/// Appends the bytes that the characters stand for; false, and nothing appended, if one is not in the alphabet.
bool append_byte_level_bytes(std::string& out, std::string_view characters);

}  // namespace candor::text
