// A JSON-like value: what JSON, YAML and JSON Lines files hold, and what templates compute with.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace candor {

class Value;
struct Member;

/// Keys in the order of insertion (as in Python and JSON files). Look-up is linear up to 16 keys, hashed above.
class Dict {
 public:
  Dict();
  Dict(std::initializer_list<Member> members);
  Dict(const Dict&);
  Dict(Dict&&) noexcept;
  Dict& operator=(const Dict&);
  Dict& operator=(Dict&&) noexcept;
  ~Dict();

  std::size_t size() const noexcept;
  bool empty() const noexcept;
  const Member* begin() const noexcept;
  const Member* end() const noexcept;
  Member* begin() noexcept;
  Member* end() noexcept;

  /// Null when there is no such key. The pointer lives until the next change of this dict.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);
  /// Replaces the value of a key that is there (its place stays), or appends.
  Value& set(std::string key, Value value);
  bool erase(std::string_view key);

  friend bool operator==(const Dict& a, const Dict& b);  ///< Order of keys does not count, as in Python.

 private:
  std::size_t index_of(std::string_view key) const;
  std::vector<Member> members_;
  std::unordered_map<std::string, std::size_t> index_;  // only above 16 members
};

class Value {
 public:
  enum class Kind { kNull, kBool, kInteger, kReal, kText, kList, kDict };
  using List = std::vector<Value>;

  Value() = default;
  Value(std::nullptr_t) {}
  Value(bool v) : data_(v) {}
  Value(int v) : data_(std::int64_t{v}) {}
  Value(std::int64_t v) : data_(v) {}
  Value(std::size_t v) : data_(static_cast<std::int64_t>(v)) {}
  Value(double v) : data_(v) {}
  Value(const char* v) : data_(std::string(v)) {}
  Value(std::string_view v) : data_(std::string(v)) {}
  Value(std::string v) : data_(std::move(v)) {}
  Value(List v) : data_(std::move(v)) {}
  Value(Dict v) : data_(std::move(v)) {}

  Kind kind() const noexcept { return static_cast<Kind>(data_.index()); }
  bool is_null() const noexcept { return kind() == Kind::kNull; }
  bool is_bool() const noexcept { return kind() == Kind::kBool; }
  bool is_integer() const noexcept { return kind() == Kind::kInteger; }
  bool is_real() const noexcept { return kind() == Kind::kReal; }
  bool is_number() const noexcept { return is_integer() || is_real(); }
  bool is_text() const noexcept { return kind() == Kind::kText; }
  bool is_list() const noexcept { return kind() == Kind::kList; }
  bool is_dict() const noexcept { return kind() == Kind::kDict; }

  /// The content; asking for another kind than the value has is a defect of the caller (CANDOR_CHECK).
  bool boolean() const;
  std::int64_t integer() const;
  double real() const;  ///< Integers are converted.
  const std::string& text() const;
  const List& list() const;
  List& list();
  const Dict& dict() const;
  Dict& dict();

  /// The member of a dict, or null when this is no dict or has no such key.
  const Value* find(std::string_view key) const;

  /// Line in the file this was read from, 1-based; 0: unknown. Does not count in comparisons.
  int line() const noexcept { return line_; }
  void set_line(int line) noexcept { line_ = line; }

  /// Python's equality: 1 == 1.0 == True.
  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Dict> data_;
  int line_ = 0;
};

struct Member {
  std::string key;
  Value value;
};

/// "null", "boolean", "integer", "number", "text", "list", "object": for messages.
std::string_view kind_name(Value::Kind kind);

}  // namespace candor
