// Walks over JSON text in place. A tokenizer.json holds hundreds of thousands of short texts; a tree of values for them
// would take longer to build than all the rest of loading.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace candor::text {

/// Thrown where the text is not JSON of the expected shape; the caller turns it into an Error that names the file.
struct MalformedJson {
  std::size_t position;
  const char* expected;
};

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  /// Walks an object: `while (cursor.next_member(key)) { read or skip the value }`, after open('{').
  void open(char bracket);
  /// False at the closing brace, which is then behind the cursor.
  bool next_member(std::string& key);
  bool next_element();
  /// A text; lives until the next call with this cursor.
  std::string_view text();
  std::int64_t integer();
  double number();
  /// The text of any value, unread.
  std::string_view skip();
  /// '{', '[', '"' or the first character of what comes.
  char peek();
  void end();  ///< Nothing but white space is left.

 private:
  [[noreturn]] void fail(const char* expected) const { throw MalformedJson{at_, expected}; }
  void skip_white_space() noexcept;
  void expect(char c, const char* what);
  bool next(char closing);
  std::string_view escaped_text(std::size_t begin);
  std::uint32_t hex4();
  void skip_text();

  std::string_view text_;
  std::size_t at_ = 0;
  bool first_ = true;  // nothing of the object or list just opened has been read
  std::string buffer_;
};

}  // namespace candor::text
