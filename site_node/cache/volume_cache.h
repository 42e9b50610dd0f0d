#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/runtime/sealed_file.h"
#include "model/samples/volume.h"
#include "security/crypto/secret.h"
#include "security/crypto/system_random.h"

namespace fedtrial::site {

// Names of what is made of a visit, from the key over its inputs (imaging's PreparationKey).
std::string VolumeName(const Digest& visit, MriSequence sequence);
std::string BaselineName(const Digest& visit);

// The state folder's `cache/`: prepared volumes and baselines, each a sealed file under its name (64 digits). A file
// opens under its own name alone. Const members from any thread.
class VolumeCache : public VolumeSource {
 public:
  VolumeCache(std::filesystem::path folder, SecretBytes<32> key);

  // VolumeId::key is the name. kInvalidInput: not there; kIntegrity: a byte was changed, or it has another key: the
  // advice is to run `prepare` again.
  Result<Volume> Load(const VolumeId& id) const override;
  // Temporary name, fsync, rename. kUnavailable: disk full.
  Status WriteVolume(const std::string& name, const Volume& volume) const;

  Result<Bytes> ReadBaseline(const std::string& name) const;
  Status WriteBaseline(const std::string& name, ByteView bytes) const;

  // Opens the whole file. Errors as Load.
  Status CheckVolume(const std::string& name) const;
  Status CheckBaseline(const std::string& name) const;

 private:
  Result<Bytes> Read(std::string_view role, const std::string& name) const;
  Status Write(std::string_view role, const std::string& name, ByteView bytes) const;

  std::filesystem::path folder_;
  std::unique_ptr<SystemRandom> random_;  // outlives sealer_
  Sealer sealer_;
};

// Volumes of 1 to 1024 voxels a side: "vol1" || u32 x || u32 y || u32 z || u8 has lesion || image, float32 || lesion, a
// byte a voxel. Little-endian.
Result<Bytes> EncodeVolume(const Volume& volume);
Result<Volume> DecodeVolume(ByteView bytes);  // kIntegrity

}  // namespace fedtrial::site
