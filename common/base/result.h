#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fedtrial {

// Mapped to a gRPC status in proto/codec/rpc_status alone.
enum class ErrorCode {
  kInvalidInput,  // what a person, a file or a peer said can't be used
  kWrongPhase,    // a message of a phase that isn't open
  kNotEnrolled,   // not in the roster, not in this round, or revoked
  kNotApproved,   // the operator hasn't approved this plan, or the policy forbids it
  kIntegrity,     // a digest, signature, chain or share doesn't hold
  kBudgetSpent,   // the privacy budget would be overdrawn
  kUnavailable,   // try again: no connection, disk full, port taken
  kInternal,      // our own fault
};

std::string_view ToString(ErrorCode code);

// A sentence for a person: field, got, wanted.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  // "context: message", the code kept.
  Error In(std::string_view context) const;
  bool operator==(const Error&) const = default;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return assert(ok()), std::get<0>(state_); }
  const T& value() const& { return assert(ok()), std::get<0>(state_); }
  T&& value() && { return assert(ok()), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const { return assert(!ok_), error_; }

 private:
  Error error_;
  bool ok_ = true;
};

using Status = Result<void>;

}  // namespace fedtrial

#define FEDTRIAL_CONCAT_INNER(a, b) a##b
#define FEDTRIAL_CONCAT(a, b) FEDTRIAL_CONCAT_INNER(a, b)

// Leaves the function with the error of a Status or Result, if there is one.
#define RETURN_IF_ERROR(expression)                                         \
  do {                                                                      \
    if (auto status_ = (expression); !status_.ok()) return status_.error(); \
  } while (false)

// ASSIGN_OR_RETURN(const auto key, LoadKey(path));
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(FEDTRIAL_CONCAT(result_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                   \
  if (!result.ok()) return result.error();                      \
  declaration = std::move(result).value()
