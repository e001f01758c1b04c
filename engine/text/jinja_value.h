// What templates compute with: Python's objects, as far as Jinja shows them. Private to this folder.
//
// An Object is small and cheap to copy; texts and containers are shared and never change after they are made, except
// namespaces, loops, iterators, cyclers and joiners. Everything lives within one rendering, on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/text/jinja.h"

namespace candor::text::jinja {

class Runtime;
struct Scope;
struct Macro;

enum class Kind : std::uint8_t {
  kUndefined,
  kNone,
  kBool,
  kInteger,
  kReal,
  kText,
  kList,
  kTuple,
  kDict,
  kRange,
  kView,      ///< dict.keys(), values(), items()
  kIterator,  ///< Generators and iterators: read once.
  kNamespace,
  kLoop,
  kMacro,
  kFunction,  ///< A global function or a bound method.
  kCycler,
  kJoiner,
};

/// What shared objects have in common: the account that their memory is on, and how deeply they nest.
struct Thing {
  Thing() = default;
  Thing(const Thing&) = delete;
  Thing& operator=(const Thing&) = delete;
  virtual ~Thing();

  Runtime* account = nullptr;  ///< Null: a constant of the template, on nobody's account.
  std::size_t bytes = 0;
  int depth = 1;
};

struct Undefined;
struct Text;
struct Sequence;
struct Mapping;
struct Range;
struct View;
struct Iterator;
struct Namespace;
struct Loop;
struct MacroValue;
struct FunctionValue;
struct Cycler;
struct Joiner;

class Object {
 public:
  Object() : integer_(0) {}
  Object(bool v) : kind_(Kind::kBool), integer_(v ? 1 : 0) {}
  Object(std::int64_t v) : kind_(Kind::kInteger), integer_(v) {}
  Object(double v) : kind_(Kind::kReal), real_(v) {}
  Object(Kind kind, std::shared_ptr<Thing> thing) : kind_(kind), integer_(0), thing_(std::move(thing)) {}

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_none() const { return kind_ == Kind::kNone; }
  bool is_undefined() const { return kind_ == Kind::kUndefined; }
  bool is_text() const { return kind_ == Kind::kText; }
  bool is_sequence() const { return kind_ == Kind::kList || kind_ == Kind::kTuple; }
  bool is_dict() const { return kind_ == Kind::kDict; }
  /// Python's int, of which bool is one.
  bool is_whole() const { return kind_ == Kind::kInteger || kind_ == Kind::kBool; }
  bool is_number() const { return is_whole() || kind_ == Kind::kReal; }

  bool boolean() const { return integer_ != 0; }
  std::int64_t integer() const { return integer_; }  ///< Of integers and booleans.
  double real() const { return kind_ == Kind::kReal ? real_ : static_cast<double>(integer_); }

  const Undefined& undefined() const { return as<const Undefined>(); }
  const Text& text() const { return as<const Text>(); }
  const Sequence& sequence() const { return as<const Sequence>(); }
  const Mapping& dict() const { return as<const Mapping>(); }
  const Range& range() const { return as<const Range>(); }
  const View& view() const { return as<const View>(); }
  Iterator& iterator() const { return as<Iterator>(); }
  Namespace& name_space() const { return as<Namespace>(); }
  Loop& loop() const { return as<Loop>(); }
  const MacroValue& macro() const { return as<const MacroValue>(); }
  const FunctionValue& function() const { return as<const FunctionValue>(); }
  Cycler& cycler() const { return as<Cycler>(); }
  Joiner& joiner() const { return as<Joiner>(); }

  const std::shared_ptr<Thing>& thing() const { return thing_; }
  int depth() const { return thing_ ? thing_->depth : 0; }

 private:
  template <typename T>
  T& as() const {
    return static_cast<T&>(*thing_);
  }

  Kind kind_ = Kind::kNone;
  union {
    std::int64_t integer_;
    double real_;
  };
  // Shared, not owned by one: Python's values are held by variables, containers and closures at once.
  std::shared_ptr<Thing> thing_;
};

using Objects = std::vector<Object>;

struct Undefined : Thing {
  std::string hint;         ///< The whole message, if not empty.
  std::string name;         ///< As repr() shows it.
  std::string object_type;  ///< Empty: a variable was looked for, not a member.
  bool name_is_text = true;
  bool strict = false;
  TemplateError::Kind error = TemplateError::Kind::kUndefined;

  std::string message() const;
};

struct Text : Thing {
  std::string bytes_utf8;
  std::size_t length = 0;  ///< Code points.
  bool markup = false;     ///< Python's Markup: escapes what it is joined with.

  bool is_ascii() const { return length == bytes_utf8.size(); }
};

struct Sequence : Thing {
  Objects items;
  bool group = false;  ///< What groupby yields: a pair with the attributes `grouper` and `list`.
};

using Entry = std::pair<Object, Object>;

struct Mapping : Thing {
  std::vector<Entry> items;  ///< In order of insertion.

  const Object* find(Runtime& runtime, const Object& key) const;
  const Object* find(std::string_view key) const;
  /// Replaces or appends. Only while the dict is being made.
  void set(Runtime& runtime, Object key, Object value);

 private:
  std::size_t index_of(Runtime& runtime, const Object& key) const;
  std::unordered_multimap<std::size_t, std::size_t> index_;  // by hash; only of large dicts
};

struct Range : Thing {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;

  std::int64_t size() const;
};

struct View : Thing {
  enum class What { kKeys, kValues, kItems } what = What::kKeys;
  Object dict;
};

struct Iterator : Thing {
  const char* type = "generator";

  /// The next item, or false at the end (and ever after).
  virtual bool next(Runtime& runtime, Object& item) = 0;
};

struct Namespace : Thing {
  std::vector<std::pair<std::string, Object>> members;

  const Object* find(std::string_view name) const;
  void set(std::string_view name, Object value);
};

/// A macro with the variables it sees.
struct MacroValue : Thing {
  const Macro* macro = nullptr;  ///< Of the template, which outlives the rendering.
  std::shared_ptr<Scope> closure;
};

struct Arguments {
  Objects positional;
  std::vector<std::pair<std::string, Object>> named;
};

/// A function of the language: filters, tests, methods and globals. `self` is the value that is piped or whose method
/// it is.
using Function = Object (*)(Runtime& runtime, const Object& self, Arguments& arguments);

struct FunctionValue : Thing {
  std::string_view name;
  Function function = nullptr;
  Object self;
};

struct Cycler : Thing {
  Objects items;
  std::size_t position = 0;
};

struct Joiner : Thing {
  Object separator;
  bool used = false;
};

/// The loop variable of a for statement.
struct Loop : Thing {
  Object iterable;
  std::shared_ptr<Iterator> source;
  std::int64_t index0 = -1;
  std::int64_t known_length = -1;
  std::int64_t depth0 = 0;
  Object current, before, after;
  bool has_after = false;  ///< `after` was read ahead.
  bool ended = false;      ///< Reading ahead found the end.
  Object last_changed;
  bool changed_called = false;
  const struct For* recursive = nullptr;  ///< The statement to run again when the loop is called.
  std::shared_ptr<Scope> closure;

  bool advance(Runtime& runtime);
  bool peek(Runtime& runtime);
  std::int64_t length(Runtime& runtime);
};

/// Python's name of the type: "str", "NoneType", "dict_keys".
std::string_view type_name(const Object& object);
/// As messages of undefined values name it: "str object", "None".
std::string object_type_repr(const Object& object);

}  // namespace candor::text::jinja
