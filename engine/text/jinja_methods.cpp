// Methods of lists, dicts, numbers, loops and cyclers; those of texts are in jinja_methods_text.cpp.
#include "engine/text/jinja_methods.h"

#include <algorithm>
#include <cmath>

namespace candor::text::jinja {
namespace {

Object view(Runtime& runtime, const Object& self, Arguments& arguments, View::What what) {
  const Parameters p(runtime, "view", arguments, {}, 0);
  auto view = runtime.make<View>();
  view->what = what;
  view->dict = self;
  runtime.nest(*view, self);
  return Object(Kind::kView, std::move(view));
}

Object dict_keys(Runtime& runtime, const Object& self, Arguments& arguments) {
  return view(runtime, self, arguments, View::What::kKeys);
}
Object dict_values(Runtime& runtime, const Object& self, Arguments& arguments) {
  return view(runtime, self, arguments, View::What::kValues);
}
Object dict_items(Runtime& runtime, const Object& self, Arguments& arguments) {
  return view(runtime, self, arguments, View::What::kItems);
}

Object dict_get(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "get", arguments, {"/key", "/default"}, 1);
  hash(runtime, p[0]);  // refuses what cannot be a key
  const Object* value = self.dict().find(runtime, p[0]);
  return value != nullptr ? *value : p.get(1, Object());
}

Object copy(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "copy", arguments, {}, 0);
  if (self.is_dict()) return runtime.dict(self.dict().items);
  return runtime.list(self.sequence().items);
}

Object items_count(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "count", arguments, {"/value"}, 1);
  std::int64_t count = 0;
  for (const Object& item : to_items(runtime, self)) count += equals(runtime, item, p[0]) ? 1 : 0;
  return Object(count);
}

Object items_index(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "index", arguments, {"/value", "/start", "/stop"}, 1);
  const Objects items = to_items(runtime, self);
  const SliceRange range =
      slice_range(runtime, static_cast<std::int64_t>(items.size()), p.get(1, Object()), p.get(2, Object()), Object());
  for (std::int64_t i = range.start; i < range.start + range.count; ++i)
    if (equals(runtime, items[static_cast<std::size_t>(i)], p[0])) return Object(i);
  runtime.value_error(to_repr(runtime, p[0]) + " is not in " + std::string(type_name(self)));
}

Object bit_length(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "bit_length", arguments, {}, 0);
  const std::int64_t value = self.integer();
  std::uint64_t magnitude = value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
  std::int64_t bits = 0;
  for (; magnitude != 0; magnitude >>= 1) ++bits;
  return Object(bits);
}

Object conjugate(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "conjugate", arguments, {}, 0);
  return negate(runtime, self, false);
}

Object is_integer(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "is_integer", arguments, {}, 0);
  return Object(std::isfinite(self.real()) && self.real() == std::floor(self.real()));
}

Object loop_cycle(Runtime& runtime, const Object& self, Arguments& arguments) {
  if (!arguments.named.empty()) runtime.type_error("cycle() takes no keyword arguments");
  if (arguments.positional.empty()) runtime.type_error("no items for cycling given");
  return arguments.positional[static_cast<std::size_t>(self.loop().index0) % arguments.positional.size()];
}

Object loop_changed(Runtime& runtime, const Object& self, Arguments& arguments) {
  if (!arguments.named.empty()) runtime.type_error("changed() takes no keyword arguments");
  Loop& loop = self.loop();
  const Object values = runtime.tuple(arguments.positional);
  if (loop.changed_called && equals(runtime, loop.last_changed, values)) return Object(false);
  loop.changed_called = true;
  loop.last_changed = values;
  return Object(true);
}

Object cycler_next(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "next", arguments, {}, 0);
  Cycler& cycler = self.cycler();
  const Object item = cycler.items[cycler.position];
  cycler.position = (cycler.position + 1) % cycler.items.size();
  return item;
}

Object cycler_reset(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "reset", arguments, {}, 0);
  self.cycler().position = 0;
  return {};
}

constexpr Method kOfDicts[] = {
    {"copy", copy}, {"get", dict_get}, {"items", dict_items}, {"keys", dict_keys}, {"values", dict_values}};
constexpr Method kOfLists[] = {{"copy", copy}, {"count", items_count}, {"index", items_index}};
constexpr Method kOfTuples[] = {{"count", items_count}, {"index", items_index}};
constexpr Method kOfIntegers[] = {{"bit_length", bit_length}, {"conjugate", conjugate}};
constexpr Method kOfReals[] = {{"conjugate", conjugate}, {"is_integer", is_integer}};
constexpr Method kOfLoops[] = {{"changed", loop_changed}, {"cycle", loop_cycle}};
constexpr Method kOfCyclers[] = {{"next", cycler_next}, {"reset", cycler_reset}};

std::span<const Method> methods_of(Kind kind) {
  switch (kind) {
    case Kind::kText:
      return text_methods();
    case Kind::kDict:
      return kOfDicts;
    case Kind::kList:
      return kOfLists;
    case Kind::kTuple:
    case Kind::kRange:
      return kOfTuples;
    case Kind::kInteger:
    case Kind::kBool:
      return kOfIntegers;
    case Kind::kReal:
      return kOfReals;
    case Kind::kLoop:
      return kOfLoops;
    case Kind::kCycler:
      return kOfCyclers;
    default:
      return {};
  }
}

}  // namespace

const Method* find_method(Kind kind, std::string_view name) {
  const std::span<const Method> methods = methods_of(kind);
  const auto found = std::find_if(methods.begin(), methods.end(), [&](const Method& m) { return m.name == name; });
  return found == methods.end() ? nullptr : &*found;
}

}  // namespace candor::text::jinja
