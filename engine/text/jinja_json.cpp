// tojson: Python's json.dumps.
#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "engine/text/jinja_filters.h"
#include "engine/text/python.h"
#include "engine/text/python_unicode.h"

namespace candor::text::jinja {
namespace {

class JsonWriter {
 public:
  struct Style {
    bool ascii = false;
    bool sort_keys = false;
    std::optional<std::string> indent;
    std::string item_separator = ", ";
    std::string key_separator = ": ";
  };

  JsonWriter(Runtime& runtime, Style style) : runtime_(runtime), style_(std::move(style)) {}

  std::string write(const Object& value) {
    append(value, 0);
    return std::move(out_);
  }

 private:
  void append(const Object& value, std::size_t level) {
    runtime_.step();
    runtime_.check_size(out_.size());
    switch (value.kind()) {
      case Kind::kNone:
        out_ += "null";
        return;
      case Kind::kBool:
        out_ += value.boolean() ? "true" : "false";
        return;
      case Kind::kInteger:
        out_ += std::to_string(value.integer());
        return;
      case Kind::kReal:
        out_ += real(value.real());
        return;
      case Kind::kText:
        append_text(value.text().bytes_utf8);
        return;
      case Kind::kList:
      case Kind::kTuple: {
        bool first = true;
        out_ += "[";
        for (const Object& item : value.sequence().items) {
          separate(first, level + 1);
          append(item, level + 1);
        }
        close("]", first, level);
        return;
      }
      case Kind::kDict:
        append_dict(value.dict(), level);
        return;
      default:
        runtime_.type_error("Object of type " + std::string(type_name(value)) + " is not JSON serializable");
    }
  }

  static std::string real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return float_repr(value);
  }

  void append_dict(const Mapping& dict, std::size_t level) {
    std::vector<Entry> entries = dict.items;
    if (style_.sort_keys) {
      for (Entry& entry : entries) entry = {entry.first, runtime_.tuple({entry.first, entry.second})};
      sort_by_key(runtime_, entries, false);
      for (Entry& entry : entries) entry.second = entry.second.sequence().items[1];
    }
    bool first = true;
    out_ += "{";
    for (const auto& [key, value] : entries) {
      separate(first, level + 1);
      append_key(key);
      out_ += style_.key_separator;
      append(value, level + 1);
    }
    close("}", first, level);
  }

  void append_key(const Object& key) {
    switch (key.kind()) {
      case Kind::kText:
        append_text(key.text().bytes_utf8);
        return;
      case Kind::kNone:
        append_text("null");
        return;
      case Kind::kBool:
        append_text(key.boolean() ? "true" : "false");
        return;
      case Kind::kInteger:
        append_text(std::to_string(key.integer()));
        return;
      case Kind::kReal:
        append_text(real(key.real()));
        return;
      default:
        runtime_.type_error("keys must be str, int, float, bool or None, not " + std::string(type_name(key)));
    }
  }

  void separate(bool& first, std::size_t level) {
    if (!first) out_ += style_.item_separator;
    first = false;
    new_line(level);
  }

  void close(std::string_view bracket, bool empty, std::size_t level) {
    if (!empty) new_line(level);
    out_ += bracket;
  }

  void new_line(std::size_t level) {
    if (!style_.indent) return;
    runtime_.check_size(out_.size() + level * style_.indent->size());
    out_ += "\n";
    for (std::size_t i = 0; i < level; ++i) out_ += *style_.indent;
  }

  void append_unit(char32_t unit) {
    static constexpr char kHex[] = "0123456789abcdef";
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_.push_back(kHex[(unit >> shift) & 15]);
  }

  void append_text(std::string_view text) {
    runtime_.step(text.size() / 16);
    out_.push_back('"');
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t start = i;
      const char32_t c = next_code_point(text, i);
      static constexpr std::string_view kEscaped = "\"\\\n\r\t\f\b";
      static constexpr std::string_view kNames = "\"\\nrtfb";
      const std::size_t found = c < 0x80 ? kEscaped.find(static_cast<char>(c)) : std::string_view::npos;
      if (found != std::string_view::npos) {
        out_.push_back('\\');
        out_.push_back(kNames[found]);
      } else if (c < 0x20 || (style_.ascii && c >= 0x7F && c < 0x10000)) {
        append_unit(c);
      } else if (style_.ascii && c >= 0x10000) {
        append_unit(0xD800 + ((c - 0x10000) >> 10));
        append_unit(0xDC00 + ((c - 0x10000) & 0x3FF));
      } else {
        out_ += text.substr(start, i - start);
      }
    }
    out_.push_back('"');
  }

  Runtime& runtime_;
  const Style style_;
  std::string out_;
};

std::optional<std::string> indentation(Runtime& runtime, const Object& indent) {
  if (indent.is_none()) return std::nullopt;
  if (indent.is_text()) return indent.text().bytes_utf8;
  if (!indent.is_whole())
    runtime.type_error("can't multiply sequence by non-int of type '" + std::string(type_name(indent)) + "'");
  const std::int64_t width = std::max<std::int64_t>(indent.integer(), 0);
  runtime.check_size(static_cast<std::uint64_t>(width));
  return std::string(static_cast<std::size_t>(width), ' ');
}

}  // namespace

Object to_json_plain(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}, 0);
  JsonWriter::Style style;
  style.ascii = p.truth(0);
  style.sort_keys = p.truth(3);
  style.indent = indentation(runtime, p.get(1, Object()));
  if (style.indent) style.item_separator = ",";
  if (p.has(2) && !p[2].is_none()) {
    const Objects separators = to_items(runtime, p[2]);
    if (separators.size() != 2) runtime.value_error("not enough values to unpack (expected 2)");
    if (!separators[0].is_text() || !separators[1].is_text()) runtime.type_error("separators must be str");
    style.item_separator = separators[0].text().bytes_utf8;
    style.key_separator = separators[1].text().bytes_utf8;
  }
  return runtime.text(JsonWriter(runtime, std::move(style)).write(self));
}

Object to_json_html(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "tojson", arguments, {"indent"}, 0);
  JsonWriter::Style style;
  style.ascii = true;
  style.sort_keys = true;
  style.indent = indentation(runtime, p.get(0, Object()));
  if (style.indent) style.item_separator = ",";
  std::string out;
  for (const char c : JsonWriter(runtime, std::move(style)).write(self)) {
    if (c == '<') {
      out += "\\u003c";
    } else if (c == '>') {
      out += "\\u003e";
    } else if (c == '&') {
      out += "\\u0026";
    } else if (c == '\'') {
      out += "\\u0027";
    } else {
      out.push_back(c);
    }
  }
  return runtime.text(std::move(out), true);
}

}  // namespace candor::text::jinja
