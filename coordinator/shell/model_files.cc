#include "coordinator/shell/model_files.h"

#include <fmt/format.h>

#include "security/crypto/sha256.h"

namespace fedtrial::coordinator {
namespace {

constexpr std::string_view kModelRole = "model";
constexpr std::string_view kStateRole = "server-state";
constexpr std::string_view kStartRole = "start-model";

Error WrongDigest(const std::filesystem::path& path) {
  return Error{ErrorCode::kIntegrity, fmt::format("{} holds another model than its name says", path.string())};
}

}  // namespace

Result<Model> ModelFiles::Read(const Digest& model) const {
  const std::filesystem::path path = ModelPath(model);
  ASSIGN_OR_RETURN(const Bytes bytes, sealer_.ReadFile(path, kModelRole, kMaxModelBytes));
  if (Sha256(bytes) != model) return WrongDigest(path);
  return DecodeModel(bytes);
}

Result<SealedReader> ModelFiles::Open(const Digest& model) const {
  if (std::error_code error; !std::filesystem::exists(ModelPath(model), error))
    return Error{ErrorCode::kInvalidInput, fmt::format("there is no model {} in this trial", ToHex(model))};
  return sealer_.OpenFile(ModelPath(model), kModelRole);
}

Result<Digest> ModelFiles::Write(const Model& model) const {
  ASSIGN_OR_RETURN(const Bytes bytes, EncodeModel(model));
  const Digest digest = Sha256(bytes);
  RETURN_IF_ERROR(sealer_.WriteFile(ModelPath(digest), kModelRole, bytes));
  return digest;
}

Status ModelFiles::Export(const Digest& model, const std::filesystem::path& file) const {
  ASSIGN_OR_RETURN(SealedReader reader, Open(model));
  ASSIGN_OR_RETURN(AtomicFile out, AtomicFile::Create(file));
  Bytes buffer(kSealedRecordBytes);
  Sha256Stream hash;
  while (true) {
    ASSIGN_OR_RETURN(const std::size_t count, reader.Read(buffer));
    if (count == 0) break;
    const ByteView part = ByteView(buffer).first(count);
    hash.Update(part);
    RETURN_IF_ERROR(out.Write(part));
  }
  if (hash.Finish() != model) return WrongDigest(ModelPath(model));
  return out.Commit();
}

Result<Bytes> ModelFiles::ReadStart() const {
  return sealer_.ReadFile(paths_.start_file(), kStartRole, kMaxModelBytes);
}

Status ModelFiles::WriteStart(ByteView file) const { return sealer_.WriteFile(paths_.start_file(), kStartRole, file); }

Result<Bytes> ModelFiles::ReadServerState(const Digest& model) const {
  if (std::error_code error; !std::filesystem::exists(StatePath(model), error)) return Bytes();
  return sealer_.ReadFile(StatePath(model), kStateRole, 2 * kMaxModelBytes);
}

Status ModelFiles::WriteServerState(const Digest& model, ByteView state) const {
  return sealer_.WriteFile(StatePath(model), kStateRole, state);
}

}  // namespace fedtrial::coordinator
