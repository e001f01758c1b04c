// Python's arithmetic. Integers have 64 bits: what goes beyond is an error, never a wrong number.
#include <cmath>
#include <limits>

#include "engine/text/jinja_runtime.h"

namespace candor::text::jinja {
namespace {

constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};

[[noreturn]] void unsupported(Runtime& runtime, Operation operation, const Object& a, const Object& b) {
  runtime.type_error("unsupported operand type(s) for " + std::string(kSigns[static_cast<int>(operation)]) + ": '" +
                     std::string(type_name(a)) + "' and '" + std::string(type_name(b)) + "'");
}

[[noreturn]] void division_by_zero(Runtime& runtime, std::string_view message) {
  runtime.fail(TemplateError::Kind::kType, "ZeroDivisionError: " + std::string(message));
}

std::int64_t floor_divide(Runtime& runtime, std::int64_t a, std::int64_t b) {
  if (b == 0) division_by_zero(runtime, "integer division or modulo by zero");
  if (b == -1) {
    if (a == std::numeric_limits<std::int64_t>::min()) runtime.overflow();
    return -a;
  }
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t modulo(Runtime& runtime, std::int64_t a, std::int64_t b) {
  if (b == 0) division_by_zero(runtime, "integer modulo by zero");
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Object power(Runtime& runtime, std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) division_by_zero(runtime, "0.0 cannot be raised to a negative power");
    return Object(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  while (exponent > 0) {
    if (exponent & 1)
      if (__builtin_mul_overflow(result, base, &result)) runtime.overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) runtime.overflow();
  }
  return Object(result);
}

/// CPython's float_divmod: the remainder has the divisor's sign, the quotient is rounded down to match.
double float_modulo(Runtime& runtime, double a, double b) {
  if (b == 0) division_by_zero(runtime, "float modulo");
  double rest = std::fmod(a, b);
  if (rest != 0) {
    if ((b < 0) != (rest < 0)) rest += b;
    return rest;
  }
  return std::copysign(0.0, b);
}

double float_floor_divide(Runtime& runtime, double a, double b) {
  if (b == 0) division_by_zero(runtime, "float floor division by zero");
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1.0;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1.0 : floor;
}

Object whole_arithmetic(Runtime& runtime, Operation operation, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  switch (operation) {
    case Operation::kAdd:
      if (__builtin_add_overflow(a, b, &result)) runtime.overflow();
      return Object(result);
    case Operation::kSub:
      if (__builtin_sub_overflow(a, b, &result)) runtime.overflow();
      return Object(result);
    case Operation::kMul:
      if (__builtin_mul_overflow(a, b, &result)) runtime.overflow();
      return Object(result);
    case Operation::kDiv: {
      if (b == 0) division_by_zero(runtime, "division by zero");
      constexpr std::int64_t kExact = std::int64_t{1} << 53;
      if (std::abs(a) <= kExact && std::abs(b) <= kExact)
        return Object(static_cast<double>(a) / static_cast<double>(b));
      return Object(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    }
    case Operation::kFloorDiv:
      return Object(floor_divide(runtime, a, b));
    case Operation::kMod:
      return Object(modulo(runtime, a, b));
    case Operation::kPow:
      return power(runtime, a, b);
  }
  return {};
}

Object real_arithmetic(Runtime& runtime, Operation operation, double a, double b) {
  switch (operation) {
    case Operation::kAdd:
      return Object(a + b);
    case Operation::kSub:
      return Object(a - b);
    case Operation::kMul:
      return Object(a * b);
    case Operation::kDiv:
      if (b == 0) division_by_zero(runtime, "float division by zero");
      return Object(a / b);
    case Operation::kFloorDiv:
      return Object(float_floor_divide(runtime, a, b));
    case Operation::kMod:
      return Object(float_modulo(runtime, a, b));
    case Operation::kPow: {
      if (a == 0 && b < 0) division_by_zero(runtime, "0.0 cannot be raised to a negative power");
      const double result = std::pow(a, b);
      if (std::isnan(result) && !std::isnan(a) && !std::isnan(b))
        runtime.value_error("negative number cannot be raised to a fractional power");
      if (std::isinf(result) && !std::isinf(a) && !std::isinf(b))
        runtime.fail(TemplateError::Kind::kLimit, "OverflowError: numerical result out of range");
      return Object(result);
    }
  }
  return {};
}

Object add_texts(Runtime& runtime, const Object& a, const Object& b) {
  const bool markup = a.text().markup || b.text().markup;
  runtime.check_size(a.text().bytes_utf8.size() + b.text().bytes_utf8.size());
  if (!markup) return runtime.text(a.text().bytes_utf8 + b.text().bytes_utf8);
  return runtime.text(escaped(runtime, a) + escaped(runtime, b), true);
}

Object repeat(Runtime& runtime, const Object& object, std::int64_t times) {
  const std::uint64_t count = times > 0 ? static_cast<std::uint64_t>(times) : 0;
  const auto check = [&](std::uint64_t unit) {
    std::uint64_t total = 0;
    if (__builtin_mul_overflow(unit, count, &total)) total = std::numeric_limits<std::uint64_t>::max();
    runtime.check_size(total);
  };
  if (object.is_text()) {
    const std::string& unit = object.text().bytes_utf8;
    check(unit.size());
    std::string out;
    if (!unit.empty()) {
      out.reserve(unit.size() * count);
      for (std::uint64_t i = 0; i < count; ++i) out += unit;
    }
    return runtime.text(std::move(out), object.text().markup);
  }
  const Objects& unit = object.sequence().items;
  check(unit.size() * sizeof(Object));
  Objects items;
  if (!unit.empty()) {
    runtime.step(unit.size() * count);
    items.reserve(unit.size() * count);
    for (std::uint64_t i = 0; i < count; ++i) items.insert(items.end(), unit.begin(), unit.end());
  }
  return runtime.sequence(object.kind(), std::move(items));
}

Object add(Runtime& runtime, const Object& a, const Object& b) {
  if (a.is_text()) {
    if (b.is_text()) return add_texts(runtime, a, b);
    runtime.type_error("can only concatenate str (not \"" + std::string(type_name(b)) + "\") to str");
  }
  if (a.is_sequence()) {
    if (a.kind() == b.kind()) {
      Objects items = a.sequence().items;
      runtime.step(items.size() + b.sequence().items.size());
      runtime.check_size((items.size() + b.sequence().items.size()) * sizeof(Object));
      items.insert(items.end(), b.sequence().items.begin(), b.sequence().items.end());
      return runtime.sequence(a.kind(), std::move(items));
    }
    const std::string name(a.is(Kind::kList) ? "list" : "tuple");
    runtime.type_error("can only concatenate " + name + " (not \"" + std::string(type_name(b)) + "\") to " + name);
  }
  unsupported(runtime, Operation::kAdd, a, b);
}

}  // namespace

Object arithmetic(Runtime& runtime, Operation operation, const Object& a, const Object& b) {
  if (a.is_whole() && b.is_whole()) return whole_arithmetic(runtime, operation, a.integer(), b.integer());
  if (a.is_number() && b.is_number()) return real_arithmetic(runtime, operation, a.real(), b.real());
  if (operation == Operation::kMod && a.is_text()) return percent_format(runtime, a.text(), b);
  if (a.is_undefined()) runtime.fail_undefined(a);
  if (b.is_undefined()) runtime.fail_undefined(b);
  if (operation == Operation::kAdd) return add(runtime, a, b);
  if (operation == Operation::kMul) {
    const auto repeats = [](const Object& object) { return object.is_text() || object.is_sequence(); };
    if (repeats(a) && b.is_whole()) return repeat(runtime, a, b.integer());
    if (repeats(b) && a.is_whole()) return repeat(runtime, b, a.integer());
    if (repeats(a) || repeats(b))
      runtime.type_error("can't multiply sequence by non-int of type '" + std::string(type_name(repeats(a) ? b : a)) +
                         "'");
  }
  unsupported(runtime, operation, a, b);
}

Object negate(Runtime& runtime, const Object& a, bool minus) {
  if (a.is_whole()) {
    if (!minus) return Object(a.integer());
    if (a.integer() == std::numeric_limits<std::int64_t>::min()) runtime.overflow();
    return Object(-a.integer());
  }
  if (a.is(Kind::kReal)) return Object(minus ? -a.real() : a.real());
  if (a.is_undefined()) runtime.fail_undefined(a);
  runtime.type_error("bad operand type for unary " + std::string(minus ? "-" : "+") + ": '" +
                     std::string(type_name(a)) + "'");
}

}  // namespace candor::text::jinja
