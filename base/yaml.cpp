// YAML 1.1 with the resolution rules of PyYAML (yaml/resolver.py, yaml/constructor.py), over yaml-cpp's parser.

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <regex>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace candor {
namespace {

constexpr int kMaxNodes = 1'000'000;  // an alias bomb multiplies; no honest file has as many

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

const std::regex& float_pattern() {
  static const std::regex pattern(
      "[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|"
      "[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*",
      std::regex::optimize);
  return pattern;
}

const std::regex& integer_pattern() {
  static const std::regex pattern(
      "[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+",
      std::regex::optimize);
  return pattern;
}

double parse_real(std::string_view digits) {
  double value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// Base 60: the parts of 1:30:05 from the left.
double sexagesimal(std::string_view digits) {
  double total = 0;
  while (true) {
    const std::size_t colon = digits.find(':');
    total = total * 60 + parse_real(digits.substr(0, colon));
    if (colon == std::string_view::npos) return total;
    digits.remove_prefix(colon + 1);
  }
}

/// Nothing if it does not fit 64 bits.
std::optional<std::int64_t> parse_integer(std::string_view digits, int base) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (problem != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

Value number(const std::string& plain) {
  std::string digits = plain;
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  const bool negative = digits[0] == '-';
  if (digits[0] == '-' || digits[0] == '+') digits.erase(0, 1);
  const double sign = negative ? -1.0 : 1.0;
  if (std::regex_match(plain, integer_pattern())) {
    const std::string_view view = digits;
    std::optional<std::int64_t> value;
    if (view.starts_with("0b")) {
      value = parse_integer(view.substr(2), 2);
    } else if (view.starts_with("0x")) {
      value = parse_integer(view.substr(2), 16);
    } else if (view.find(':') != std::string_view::npos) {
      const double total = sexagesimal(view);
      if (total < 9e15)
        value = static_cast<std::int64_t>(total);
      else
        return Value(sign * total);
    } else if (view.size() > 1 && view[0] == '0') {
      value = parse_integer(view, 8);
    } else {
      value = parse_integer(view, 10);
    }
    return value ? Value(negative ? -*value : *value) : Value(sign * parse_real(view));
  }
  if (digits.find(':') != std::string::npos) return Value(sign * sexagesimal(digits));
  return Value(sign * parse_real(digits));
}

Value plain_scalar(const std::string& text) {
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return Value();
  if (one_of(text, {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) return Value(true);
  if (one_of(text, {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) return Value(false);
  const char first = text[0];
  const bool numeric = (first >= '0' && first <= '9') || first == '-' || first == '+' || first == '.';
  if (!numeric || text.size() > 400) return Value(text);  // std::regex recurses on long input
  const double infinity = std::numeric_limits<double>::infinity();
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return Value(infinity);
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return Value(-infinity);
  if (one_of(text, {".nan", ".NaN", ".NAN"})) return Value(std::nan(""));
  if (std::regex_match(text, integer_pattern()) || std::regex_match(text, float_pattern())) return number(text);
  return Value(text);
}

class Converter {
 public:
  explicit Converter(std::string_view where) : where_(where) {}

  Value convert(const YAML::Node& node, int depth) {
    if (++nodes_ > kMaxNodes) fail(node, "more than a million nodes");
    if (depth > 500) fail(node, "nested more than 500 levels deep");
    Value value;
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        value = scalar(node);
        break;
      case YAML::NodeType::Sequence: {
        Value::List list;
        for (const YAML::Node& item : node) list.push_back(convert(item, depth + 1));
        value = Value(std::move(list));
        break;
      }
      case YAML::NodeType::Map:
        value = Value(map(node, depth));
        break;
    }
    value.set_line(node.Mark().line + 1);
    return value;
  }

 private:
  [[noreturn]] void fail(const YAML::Node& node, const std::string& what) const {
    throw Error(ErrorKind::kBadInput, std::string(where_) + ":" + std::to_string(node.Mark().line + 1), what);
  }

  Value scalar(const YAML::Node& node) const {
    const std::string& tag = node.Tag();
    const std::string& text = node.Scalar();
    if (tag.starts_with("!function")) return Value(Dict{{"!function", Value(text)}});
    if (tag == "?" || tag.empty()) return plain_scalar(text);
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return Value(text);
    for (const char* known : {"int", "float", "bool", "null"})
      if (tag == std::string("tag:yaml.org,2002:") + known) return plain_scalar(text);
    fail(node, "tag '" + tag + "' is not known");
  }

  Dict map(const YAML::Node& node, int depth) {
    Dict own, merged;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar() && !entry.first.IsNull()) fail(entry.first, "a key must be a text");
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "null";
      Value value = convert(entry.second, depth + 1);
      if (key == "<<" && entry.first.Tag() == "?") {
        merge(entry.second, std::move(value), merged);
      } else {
        own.set(key, std::move(value));
      }
    }
    // Merged keys come first and yield to the map's own (yaml/constructor.py, flatten_mapping).
    for (Member& member : own) merged.set(member.key, std::move(member.value));
    return merged;
  }

  void merge(const YAML::Node& node, Value value, Dict& into) const {
    Value::List sources;
    if (value.is_dict()) {
      sources.push_back(std::move(value));
    } else if (value.is_list()) {
      sources = std::move(value.list());
    } else {
      fail(node, "'<<' needs a mapping or a list of mappings");
    }
    for (Value& source : sources) {
      if (!source.is_dict()) fail(node, "'<<' needs a mapping or a list of mappings");
      for (Member& member : source.dict())
        if (into.find(member.key) == nullptr) into.set(member.key, std::move(member.value));
    }
  }

  std::string_view where_;
  int nodes_ = 0;
};

}  // namespace

Value parse_yaml(std::string_view text, std::string_view where) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
    if (documents.empty()) return Value();
    if (documents.size() > 1) throw Error(ErrorKind::kBadInput, where, "holds more than one YAML document", "keep one");
    return Converter(where).convert(documents[0], 0);
  } catch (const YAML::Exception& problem) {
    throw Error(ErrorKind::kBadInput, std::string(where) + ":" + std::to_string(problem.mark.line + 1),
                "not valid YAML at column " + std::to_string(problem.mark.column + 1) + ": " + problem.msg);
  }
}

}  // namespace candor
