#include "site_node/shell/worker_process.h"

#include <cstdlib>

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxReply = std::size_t{64} << 20;

#if defined(__x86_64__)
const char* Kernels() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
  return nullptr;
}
#else
const char* Kernels() { return nullptr; }
#endif

}  // namespace

std::map<std::string, std::string> WorkerEnvironment(unsigned threads) {
  std::map<std::string, std::string> environment = {{"OMP_WAIT_POLICY", "PASSIVE"},
                                                    {"OMP_NUM_THREADS", std::to_string(threads)},
                                                    {"OPENBLAS_NUM_THREADS", std::to_string(threads)},
                                                    {"PATH", "/usr/bin:/bin"}};
  if (const char* kernels = Kernels()) environment["OPENBLAS_CORETYPE"] = kernels;
  for (const char* name : {"LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OPENBLAS_CORETYPE"})
    if (const char* value = std::getenv(name)) environment[name] = value;
  return environment;
}

Result<std::unique_ptr<ChildProcess>> StartWorker(const SiteConfig& config, unsigned threads) {
  std::filesystem::path program = config.worker;
  if (program.empty()) {
    std::error_code error;
    program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "fedtrial-worker";
  }
  ChildOptions options;
  options.program = program;
  options.environment = WorkerEnvironment(threads);
  options.max_message_bytes = kMaxReply;
  return ChildProcess::Start(options);
}

Bytes Serialized(const google::protobuf::MessageLite& message) {
  Bytes bytes(message.ByteSizeLong());
  message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

Error ErrorOf(const v1::Failed& failed) {
  for (const ErrorCode code :
       {ErrorCode::kInvalidInput, ErrorCode::kIntegrity, ErrorCode::kUnavailable, ErrorCode::kNotApproved})
    if (ToString(code) == failed.code()) return {code, failed.reason()};
  return {ErrorCode::kInternal, failed.reason()};
}

}  // namespace fedtrial::site
