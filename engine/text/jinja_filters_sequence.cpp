// Filters of sequences and dicts.
#include <algorithm>
#include <set>

#include "engine/text/jinja_filters.h"
#include "engine/text/python.h"
#include "engine/text/python_unicode.h"

namespace candor::text::jinja {
namespace {

Object folded(Runtime& runtime, const Object& key, bool case_sensitive) {
  return case_sensitive || !key.is_text() ? key : runtime.text(lower(key.text().bytes_utf8));
}

Object none_or(const Parameters& parameters, std::size_t i) {
  return parameters.get(i, Object());
}

Object lazy(Runtime& runtime, const Object& source, LazyItems::Compute compute) {
  return runtime.iterator(runtime.make_from<LazyItems>(0, std::move(compute)), source);
}

/// What map, select, unique and their like have in common: they read their source item by item.
class Streamed : public Iterator {
 public:
  Streamed(Object source, Arguments arguments) : source_(std::move(source)), arguments_(std::move(arguments)) {}

 protected:
  /// The next item of the source. An empty source is not even iterated over: Jinja asks `if value` first.
  bool next_of_source(Runtime& runtime, Object& item) {
    if (!items_) {
      if (done_ || !truth(runtime, source_)) {
        done_ = true;
        return false;
      }
      prepare(runtime);
      items_ = iterate(runtime, source_);
    }
    runtime.step();
    return items_->next(runtime, item);
  }
  virtual void prepare(Runtime& runtime) = 0;

  Object source_;
  Arguments arguments_;

 private:
  std::shared_ptr<Iterator> items_;
  bool done_ = false;
};

class Mapped : public Streamed {
 public:
  using Streamed::Streamed;
  bool next(Runtime& runtime, Object& item) override {
    if (!next_of_source(runtime, item)) return false;
    if (getter_) {
      item = (*getter_)(runtime, std::move(item));
    } else {
      Arguments copy = rest_;
      item = call_filter(runtime, name_, item, copy);
    }
    return true;
  }

 private:
  void prepare(Runtime& runtime) override {
    if (arguments_.positional.empty()) {
      std::optional<Object> attribute, otherwise;
      for (auto& [name, value] : arguments_.named) {
        if (name == "attribute") attribute = value;
        if (name == "default" && !value.is_none()) otherwise = value;
      }
      if (!attribute) runtime.fail(TemplateError::Kind::kRaised, "map requires a filter argument");
      for (const auto& entry : arguments_.named)
        if (entry.first != "attribute" && entry.first != "default")
          runtime.fail(TemplateError::Kind::kRaised, "Unexpected keyword argument " + text_repr(entry.first));
      getter_.emplace(runtime, *attribute, otherwise);
      return;
    }
    name_ = to_str(runtime, arguments_.positional[0]);
    rest_.positional.assign(arguments_.positional.begin() + 1, arguments_.positional.end());
    rest_.named = arguments_.named;
  }

  std::optional<AttributeGetter> getter_;
  std::string name_;
  Arguments rest_;
};

class Selected : public Streamed {
 public:
  Selected(Object source, Arguments arguments, bool keep, bool by_attribute)
      : Streamed(std::move(source), std::move(arguments)), keep_(keep), by_attribute_(by_attribute) {}
  bool next(Runtime& runtime, Object& item) override {
    while (next_of_source(runtime, item)) {
      const Object value = getter_ ? (*getter_)(runtime, item) : item;
      bool passes = false;
      if (name_) {
        Arguments copy = rest_;
        passes = call_test(runtime, *name_, value, copy);
      } else {
        passes = truth(runtime, value);
      }
      if (passes == keep_) return true;
    }
    return false;
  }

 private:
  void prepare(Runtime& runtime) override {
    std::size_t used = 0;
    if (by_attribute_) {
      if (arguments_.positional.empty())
        runtime.fail(TemplateError::Kind::kRaised, "Missing parameter for attribute name");
      getter_.emplace(runtime, arguments_.positional[used++]);
    }
    if (used == arguments_.positional.size()) return;
    name_ = to_str(runtime, arguments_.positional[used++]);
    rest_.positional.assign(arguments_.positional.begin() + static_cast<std::ptrdiff_t>(used),
                            arguments_.positional.end());
    rest_.named = arguments_.named;
  }

  bool keep_, by_attribute_;
  std::optional<AttributeGetter> getter_;
  std::optional<std::string> name_;
  Arguments rest_;
};

Object map(Runtime& runtime, const Object& self, Arguments& arguments) {
  return runtime.iterator(runtime.make_from<Mapped>(0, self, std::move(arguments)), self);
}

template <bool keep, bool by_attribute>
Object select(Runtime& runtime, const Object& self, Arguments& arguments) {
  return runtime.iterator(runtime.make_from<Selected>(0, self, std::move(arguments), keep, by_attribute), self);
}

class UniqueItems : public Iterator {
 public:
  UniqueItems(Object source, bool case_sensitive, AttributeGetter getter)
      : source_(std::move(source)), case_sensitive_(case_sensitive), getter_(std::move(getter)) {}
  bool next(Runtime& runtime, Object& item) override {
    if (!items_) items_ = iterate(runtime, source_);
    while (items_->next(runtime, item)) {
      Object key = folded(runtime, getter_(runtime, item), case_sensitive_);
      hash(runtime, key);
      if (seen_.find(runtime, key) != nullptr) continue;
      runtime.charge(*this, sizeof(Entry));
      seen_.set(runtime, std::move(key), Object());
      return true;
    }
    return false;
  }

 private:
  Object source_;
  bool case_sensitive_;
  AttributeGetter getter_;
  std::shared_ptr<Iterator> items_;
  Mapping seen_;
};

Object unique(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "unique", arguments, {"case_sensitive", "attribute"}, 0);
  return runtime.iterator(runtime.make_from<UniqueItems>(0, self, p.truth(0), AttributeGetter(runtime, none_or(p, 1))),
                          self);
}

Object to_list(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "list", arguments, {}, 0);
  return runtime.list(to_items(runtime, self));
}

Object items(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "items", arguments, {}, 0);
  return lazy(runtime, self, [self](Runtime& r) {
    Objects pairs;
    if (self.is_undefined()) return pairs;
    if (!self.is_dict()) r.type_error("Can only get item pairs from a mapping.");
    for (const auto& [key, value] : self.dict().items) pairs.push_back(r.tuple({key, value}));
    return pairs;
  });
}

Object first(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "first", arguments, {}, 0);
  Object item;
  if (iterate(runtime, self)->next(runtime, item)) return item;
  return runtime.undefined("No first item, sequence was empty.");
}

bool is_reversible(const Object& object) {
  return has_length(object) && !object.is(Kind::kLoop);
}

Object last(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "last", arguments, {}, 0);
  if (self.is_undefined() && self.undefined().strict) runtime.fail_undefined(self);
  if (!is_reversible(self)) runtime.type_error("'" + std::string(type_name(self)) + "' object is not reversible");
  if (self.is_text() || self.is_sequence() || self.is(Kind::kRange)) {
    if (length(runtime, self) > 0) return get_item(runtime, self, Object(std::int64_t{-1}));
  } else {
    Objects all = to_items(runtime, self);
    if (!all.empty()) return all.back();
  }
  return runtime.undefined("No last item, sequence was empty.");
}

Object reverse(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "reverse", arguments, {}, 0);
  if (self.is_text()) return get_slice(runtime, self, Object(), Object(), Object(std::int64_t{-1}));
  if (self.is_undefined() && self.undefined().strict) runtime.fail_undefined(self);
  if (!is_iterable(self)) runtime.fail(TemplateError::Kind::kRaised, "argument must be iterable");
  Objects all = to_items(runtime, self);
  std::reverse(all.begin(), all.end());
  if (!is_reversible(self)) return runtime.list(std::move(all));
  const Object reversed = runtime.list(std::move(all));
  const std::shared_ptr<Iterator> iterator = iterate(runtime, reversed);
  iterator->type = self.is(Kind::kList) ? "list_reverseiterator" : "reversed";
  return runtime.iterator(iterator, reversed);
}

/// The keys that sort, min, max and groupby compare, each with its item.
std::vector<Entry> keyed(Runtime& runtime, const Object& items, const AttributeGetter& getter, bool case_sensitive) {
  std::vector<Entry> out;
  for (Object& item : to_items(runtime, items)) {
    Object key = folded(runtime, getter(runtime, item), case_sensitive);
    out.emplace_back(std::move(key), std::move(item));
  }
  return out;
}

Object sort(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "sort", arguments, {"reverse", "case_sensitive", "attribute"}, 0);
  const bool case_sensitive = p.truth(1);
  // "a,b" sorts by a, then by b: the key is the list of both.
  std::vector<AttributeGetter> getters;
  const Object attribute = none_or(p, 2);
  if (attribute.is_text()) {
    std::string_view rest = attribute.text().bytes_utf8;
    for (;;) {
      const std::size_t comma = rest.find(',');
      getters.emplace_back(runtime, runtime.text(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  } else {
    getters.emplace_back(runtime, attribute);
  }
  std::vector<Entry> entries;
  for (Object& item : to_items(runtime, self)) {
    Objects keys;
    for (const AttributeGetter& getter : getters)
      keys.push_back(folded(runtime, getter(runtime, item), case_sensitive));
    entries.emplace_back(runtime.list(std::move(keys)), std::move(item));
  }
  sort_by_key(runtime, entries, p.truth(0));
  Objects sorted;
  for (Entry& entry : entries) sorted.push_back(std::move(entry.second));
  return runtime.list(std::move(sorted));
}

Object dict_sort(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "dictsort", arguments, {"case_sensitive", "by", "reverse"}, 0);
  const std::string by = p.has(1) ? to_str(runtime, p[1]) : "key";
  if (by != "key" && by != "value")
    runtime.fail(TemplateError::Kind::kRaised, "You can only sort by either \"key\" or \"value\"");
  if (self.is_undefined()) runtime.fail_undefined(self);
  if (!self.is_dict())
    runtime.fail(TemplateError::Kind::kType,
                 "AttributeError: '" + std::string(type_name(self)) + "' object has no attribute 'items'");
  std::vector<Entry> entries;
  for (const auto& [key, value] : self.dict().items)
    entries.emplace_back(folded(runtime, by == "key" ? key : value, p.truth(0)), runtime.tuple({key, value}));
  sort_by_key(runtime, entries, p.truth(2));
  Objects sorted;
  for (Entry& entry : entries) sorted.push_back(std::move(entry.second));
  return runtime.list(std::move(sorted));
}

template <bool smallest>
Object extreme(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, smallest ? "min" : "max", arguments, {"case_sensitive", "attribute"}, 0);
  std::vector<Entry> entries = keyed(runtime, self, AttributeGetter(runtime, none_or(p, 1)), p.truth(0));
  if (entries.empty()) return runtime.undefined("No aggregated item, sequence was empty.");
  std::size_t best = 0;
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const bool better = smallest ? less(runtime, entries[i].first, entries[best].first)
                                 : less(runtime, entries[best].first, entries[i].first);
    if (better) best = i;
  }
  return entries[best].second;
}

Object group_by(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  std::optional<Object> otherwise;
  if (p.has(1) && !p[1].is_none()) otherwise = p[1];
  const AttributeGetter getter(runtime, p[0], otherwise);
  const bool case_sensitive = p.truth(2);
  std::vector<Entry> entries = keyed(runtime, self, getter, case_sensitive);
  sort_by_key(runtime, entries, false);
  Objects groups;
  for (std::size_t i = 0; i < entries.size();) {
    const Object key = entries[i].first;
    Objects members;
    for (; i < entries.size() && equals(runtime, entries[i].first, key); ++i) members.push_back(entries[i].second);
    if (members.empty()) members.push_back(entries[i++].second);  // NaN equals nothing, itself included
    const Object grouper = case_sensitive ? key : getter(runtime, members[0]);
    const Object pair = runtime.tuple({grouper, runtime.list(std::move(members))});
    static_cast<Sequence&>(*pair.thing()).group = true;
    groups.push_back(pair);
  }
  return runtime.list(std::move(groups));
}

Object sum(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "sum", arguments, {"attribute", "start"}, 0);
  const AttributeGetter getter(runtime, none_or(p, 0));
  Object total = p.get(1, Object(std::int64_t{0}));
  if (total.is_text()) runtime.type_error("sum() can't sum strings [use ''.join(seq) instead]");
  const std::shared_ptr<Iterator> source = iterate(runtime, self);
  Object item;
  while (source->next(runtime, item))
    total = arithmetic(runtime, Operation::kAdd, total, getter(runtime, std::move(item)));
  return total;
}

Object join(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "join", arguments, {"d", "attribute"}, 0);
  const AttributeGetter getter(runtime, none_or(p, 1));
  const std::string separator = p.has(0) ? to_str(runtime, p[0]) : "";
  std::string out;
  bool is_first = true;
  const std::shared_ptr<Iterator> source = iterate(runtime, self);
  Object item;
  while (source->next(runtime, item)) {
    if (!is_first) out += separator;
    is_first = false;
    append_str(runtime, out, getter(runtime, std::move(item)));
    runtime.check_size(out.size());
  }
  return runtime.text(std::move(out));
}

Object batch(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "batch", arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t count = p.integer(0);
  const Object fill = none_or(p, 1);
  return lazy(runtime, self, [self, count, fill](Runtime& r) {
    Objects batches, current;
    for (Object& item : to_items(r, self)) {
      if (static_cast<std::int64_t>(current.size()) == count) {
        batches.push_back(r.list(std::move(current)));
        current.clear();
      }
      current.push_back(std::move(item));
    }
    if (current.empty()) return batches;
    if (!fill.is_none() && static_cast<std::int64_t>(current.size()) < count) {
      r.check_size(static_cast<std::uint64_t>(count) * sizeof(Object));
      current.resize(static_cast<std::size_t>(count), fill);
    }
    batches.push_back(r.list(std::move(current)));
    return batches;
  });
}

Object slice(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "slice", arguments, {"slices", "fill_with"}, 1);
  const std::int64_t slices = p.integer(0);
  const Object fill = none_or(p, 1);
  return lazy(runtime, self, [self, slices, fill](Runtime& r) {
    const Objects all = to_items(r, self);
    if (slices == 0) r.fail(TemplateError::Kind::kType, "ZeroDivisionError: integer division or modulo by zero");
    const auto size = static_cast<std::int64_t>(all.size());
    Objects out;
    if (slices < 0) return out;
    const std::int64_t each = size / slices;
    const std::int64_t with_extra = size % slices;
    std::int64_t at = 0;
    for (std::int64_t i = 0; i < slices; ++i) {
      const std::int64_t end = at + each + (i < with_extra ? 1 : 0);
      Objects part(all.begin() + at, all.begin() + end);
      if (!fill.is_none() && i >= with_extra) part.push_back(fill);
      out.push_back(r.list(std::move(part)));
      at = end;
    }
    return out;
  });
}

}  // namespace

const std::vector<NamedFunction>& sequence_filters() {
  static const std::vector<NamedFunction> kFilters = {
      {"batch", batch},
      {"dictsort", dict_sort},
      {"first", first},
      {"groupby", group_by},
      {"items", items},
      {"join", join},
      {"last", last},
      {"list", to_list},
      {"map", map},
      {"max", extreme<false>},
      {"min", extreme<true>},
      {"reject", select<false, false>},
      {"rejectattr", select<false, true>},
      {"reverse", reverse},
      {"select", select<true, false>},
      {"selectattr", select<true, true>},
      {"slice", slice},
      {"sort", sort},
      {"sum", sum},
      {"unique", unique},
  };
  return kFilters;
}

}  // namespace candor::text::jinja
