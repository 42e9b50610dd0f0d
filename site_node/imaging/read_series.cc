#include "site_node/imaging/read_series.h"

#include <algorithm>
#include <fstream>
#include <string_view>

#include "security/crypto/sha256.h"
#include "site_node/imaging/dicom_volume.h"

namespace fedtrial::imaging {

namespace {

bool IsNifti(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with(".nii") || name.ends_with(".nii.gz");
}

bool IsNifti(const SeriesInput& series) { return series.files.size() == 1 && IsNifti(series.files.front()); }

Result<Digest> FileDigest(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  Sha256Stream sha;
  std::vector<char> piece(1 << 20);
  while (stream) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    sha.Update(AsBytes({piece.data(), static_cast<std::size_t>(stream.gcount())}));
  }
  if (!stream.eof()) return Error{ErrorCode::kInvalidInput, file.filename().string() + ": can't be read"};
  return sha.Finish();
}

}  // namespace

Result<SeriesRead> ReadSeries(const SeriesInput& series) {
  if (series.files.empty()) return Error{ErrorCode::kInvalidInput, "a series without files"};
  if (IsNifti(series)) return ReadNifti(series.files.front());
  ASSIGN_OR_RETURN(SeriesRead read, ReadDicomVolume(series.files));
  ASSIGN_OR_RETURN(read.digest, SeriesDigest(series));
  return read;
}

Result<Digest> SeriesDigest(const SeriesInput& series) {
  if (IsNifti(series)) return FileDigest(series.files.front());
  std::vector<Digest> digests;
  for (const auto& file : series.files) {
    ASSIGN_OR_RETURN(const Digest digest, FileDigest(file));
    digests.push_back(digest);
  }
  std::sort(digests.begin(), digests.end());  // the order of a folder's listing says nothing
  ByteWriter writer;
  for (const Digest& digest : digests) writer.Raw(digest);
  return Sha256(writer.bytes());
}

}  // namespace fedtrial::imaging
