#include "site_node/shell/worker_process.h"

#include <cstdlib>

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxReply = std::size_t{64} << 20;

}  // namespace

Result<std::unique_ptr<ChildProcess>> StartWorker(const SiteConfig& config, unsigned threads) {
  std::filesystem::path program = config.worker;
  if (program.empty()) {
    std::error_code error;
    program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "fedtrial-worker";
  }
  ChildOptions options;
  options.program = program;
  options.environment = {{"OMP_WAIT_POLICY", "PASSIVE"},
                         {"OMP_NUM_THREADS", std::to_string(threads)},
                         {"OPENBLAS_NUM_THREADS", std::to_string(threads)},
                         {"PATH", "/usr/bin:/bin"}};
  for (const char* name : {"LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OPENBLAS_CORETYPE"})
    if (const char* value = std::getenv(name)) options.environment[name] = value;
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
