#include "site_node/shell/worker_process.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <optional>

namespace fedtrial::site {
namespace {

// Sets a variable of our environment, or takes it out, and puts back what was there.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    Set(value);
  }
  ~Variable() { Set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void Set(const char* value) const {
    if (value != nullptr) {
      setenv(name_, value, 1);
    } else {
      unsetenv(name_);
    }
  }

  const char* name_;
  std::optional<std::string> before_;
};

TEST(WorkerEnvironment, HasTheThreadsAskedForAndNothingElseOfOurs) {
  const Variable own("FEDTRIAL_OF_OURS", "1");
  const auto environment = WorkerEnvironment(3);
  EXPECT_EQ(environment.at("OMP_NUM_THREADS"), "3");
  EXPECT_EQ(environment.at("OPENBLAS_NUM_THREADS"), "3");
  EXPECT_EQ(environment.at("OMP_WAIT_POLICY"), "PASSIVE");
  EXPECT_FALSE(environment.contains("FEDTRIAL_OF_OURS"));
}

#if defined(__x86_64__)
TEST(WorkerEnvironment, NamesKernelsOfWhatTheProcessorCanDo) {
  const Variable unset("OPENBLAS_CORETYPE", nullptr);
  const auto environment = WorkerEnvironment(1);
  const auto kernels = environment.find("OPENBLAS_CORETYPE");
  if (!__builtin_cpu_supports("avx2")) {
    EXPECT_EQ(kernels, environment.end());
    return;
  }
  ASSERT_NE(kernels, environment.end());
  EXPECT_EQ(kernels->second, __builtin_cpu_supports("avx512bw") ? "SkylakeX" : "Haswell");
}
#endif

TEST(WorkerEnvironment, LeavesTheKernelsToWhoeverNamedThem) {
  const Variable named("OPENBLAS_CORETYPE", "Nehalem");
  EXPECT_EQ(WorkerEnvironment(1).at("OPENBLAS_CORETYPE"), "Nehalem");
}

}  // namespace
}  // namespace fedtrial::site
