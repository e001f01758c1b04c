#include "base/json.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace candor {
namespace {

constexpr std::size_t kMaxDepth = 512;

/// Builds a Value from nlohmann's parse events, so that no second tree is made.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Value take() { return std::move(root_); }

  bool null() override { return put(Value()); }
  bool boolean(bool v) override { return put(Value(v)); }
  bool number_integer(number_integer_t v) override { return put(Value(std::int64_t{v})); }
  bool number_unsigned(number_unsigned_t v) override {
    if (v > static_cast<number_unsigned_t>(INT64_MAX)) return put(Value(static_cast<double>(v)));
    return put(Value(static_cast<std::int64_t>(v)));
  }
  bool number_float(number_float_t v, const string_t&) override { return put(Value(double{v})); }
  bool string(string_t& v) override { return put(Value(std::move(v))); }
  bool binary(binary_t&) override { return false; }
  bool key(string_t& v) override {
    open_.back().key = std::move(v);
    return true;
  }
  bool start_object(std::size_t) override { return open(Value(Dict())); }
  bool start_array(std::size_t) override { return open(Value(Value::List())); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& problem) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while …": the last part will do.
    std::string what = problem.what();
    if (const auto colon = what.find("column "); colon != std::string::npos)
      if (const auto space = what.find(": ", colon); space != std::string::npos) what = what.substr(space + 2);
    if (what.size() > 200) what = what.substr(0, 200) + "...";
    fail(position > 0 ? position - 1 : 0, what);
    return false;
  }

 private:
  struct Open {
    Value value;
    std::string key;
  };

  [[noreturn]] void fail(std::size_t position, const std::string& what) const {
    const std::string_view before = text_.substr(0, std::min(position, text_.size()));
    const auto line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
    const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    throw Error(ErrorKind::kBadInput, where_,
                "not valid JSON at line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + what);
  }

  bool open(Value container) {
    if (open_.size() >= kMaxDepth)
      throw Error(ErrorKind::kBadInput, where_, "JSON is nested more than 512 levels deep");
    open_.push_back({std::move(container), {}});
    return true;
  }

  bool close() {
    Value done = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(done));
  }

  bool put(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().value.is_list()) {
      open_.back().value.list().push_back(std::move(value));
    } else {
      open_.back().value.dict().set(std::move(open_.back().key), std::move(value));
    }
    return true;
  }

  std::string_view text_;
  std::string_view where_;
  std::vector<Open> open_;
  Value root_;
};

void write_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          constexpr char kDigits[] = "0123456789abcdef";
          out += "\\u00";
          out += kDigits[(c >> 4) & 15];
          out += kDigits[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

void write_real(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view digits(buffer, static_cast<std::size_t>(end - buffer));
  out += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

class Writer {
 public:
  Writer(int indent, bool compact)
      : indent_(indent), comma_(indent < 0 && !compact ? ", " : ","), colon_(indent < 0 && compact ? ":" : ": ") {}

  void write(const Value& value, int level) {
    switch (value.kind()) {
      case Value::Kind::kNull:
        out += "null";
        break;
      case Value::Kind::kBool:
        out += value.boolean() ? "true" : "false";
        break;
      case Value::Kind::kInteger:
        out += std::to_string(value.integer());
        break;
      case Value::Kind::kReal:
        write_real(out, value.real());
        break;
      case Value::Kind::kText:
        write_text(out, value.text());
        break;
      case Value::Kind::kList: {
        out += '[';
        bool first = true;
        for (const Value& item : value.list()) {
          separate(first, level + 1);
          write(item, level + 1);
        }
        end(first, level, ']');
        break;
      }
      case Value::Kind::kDict: {
        out += '{';
        bool first = true;
        for (const Member& member : value.dict()) {
          separate(first, level + 1);
          write_text(out, member.key);
          out += colon_;
          write(member.value, level + 1);
        }
        end(first, level, '}');
        break;
      }
    }
  }

  std::string out;

 private:
  void separate(bool& first, int level) {
    if (!first) out += comma_;
    first = false;
    break_line(level);
  }

  void end(bool empty, int level, char bracket) {
    if (!empty) break_line(level);
    out += bracket;
  }

  void break_line(int level) {
    if (indent_ < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent_) * static_cast<std::size_t>(level), ' ');
  }

  int indent_;
  const char* comma_;
  const char* colon_;
};

}  // namespace

Value parse_json(std::string_view text, std::string_view where) {
  Builder builder(text, where);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

std::string to_json(const Value& value, int indent, bool compact) {
  Writer writer(indent, compact);
  writer.write(value, 0);
  return std::move(writer.out);
}

void read_json_lines(const std::string& path, const std::function<void(Value, const std::string& where)>& use) {
  std::ifstream file;
  const bool standard_input = path == "-";
  if (!standard_input) {
    file.open(path, std::ios::binary);
    // A folder opens, but cannot be read from.
    if (!file || file.peek() == std::ifstream::traits_type::eof()) {
      if (!file || file.bad())
        throw Error(ErrorKind::kBadInput, path, "cannot be read: " + std::string(std::strerror(errno)),
                    "check the path");
      read_file(path, 0);
      return;
    }
  }
  std::istream& in = standard_input ? std::cin : file;
  const std::string name = standard_input ? "standard input" : path;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r\n") == std::string::npos) continue;
    const std::string where = name + ":" + std::to_string(number);
    use(parse_json(line, where), where);
  }
  if (in.bad()) throw Error(ErrorKind::kBadInput, name, "cannot be read: " + std::string(std::strerror(errno)));
}

}  // namespace candor
