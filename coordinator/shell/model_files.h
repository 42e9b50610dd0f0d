#pragma once

#include <filesystem>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/runtime/sealed_file.h"
#include "coordinator/shell/state_paths.h"
#include "model/params/model.h"

namespace fedtrial::coordinator {

inline constexpr std::uint64_t kMaxModelBytes = std::uint64_t{16} << 30;

// The chain of models, models/<digest>, and beside it server/<digest>: the server optimiser's state that belongs to the
// model of this digest, which is never sent. Both sealed; digests are of the plain bytes. Any thread.
class ModelFiles {
 public:
  ModelFiles(StatePaths paths, const Sealer& sealer) : paths_(std::move(paths)), sealer_(sealer) {}

  // kIntegrity if the bytes have another digest.
  Result<Model> Read(const Digest& model) const;
  // For sending it in pieces; kInvalidInput if there is no such model.
  Result<SealedReader> Open(const Digest& model) const;
  // Durable when ok; writing the same model again changes nothing.
  Result<Digest> Write(const Model& model) const;
  // The plain safetensors file, whole or not at all.
  Status Export(const Digest& model, const std::filesystem::path& file) const;

  // The plan's start file as it came, which ReadStartFile checks.
  Result<Bytes> ReadStart() const;
  Status WriteStart(ByteView file) const;

  // Empty bytes if there is none for it.
  Result<Bytes> ReadServerState(const Digest& model) const;
  Status WriteServerState(const Digest& model, ByteView state) const;

 private:
  std::filesystem::path ModelPath(const Digest& model) const { return paths_.models() / ToHex(model); }
  std::filesystem::path StatePath(const Digest& model) const { return paths_.server_states() / ToHex(model); }

  const StatePaths paths_;
  const Sealer& sealer_;
};

}  // namespace fedtrial::coordinator
