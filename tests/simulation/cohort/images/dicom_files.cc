#include "tests/simulation/cohort/images/dicom_files.h"

#include <exception>
#include <fmt/format.h>
#include <itkGDCMImageIO.h>
#include <itkMetaDataObject.h>

#include "common/base/bytes.h"
#include "security/crypto/sha256.h"
#include "tests/simulation/cohort/images/protocol.h"

namespace fedtrial::sim {
namespace {

constexpr char kNoDate[] = "20000101";
constexpr char kMrStorage[] = "1.2.840.10008.5.1.4.1.1.4";

// 2.25 and a number of 63 bits: the form for identifiers made of a hash, no registered root needed (DICOM PS3.5, B.2).
std::string Uid(const SeriesName& name, std::string_view kind, std::uint64_t index) {
  const Digest digest =
      Sha256(ByteWriter().Label("fl/simcohort/uid/v1").U64(name.seed).Enc(name.visit).Enc(kind).U64(index).bytes());
  return fmt::format("2.25.{}", ByteReader(digest).U64() >> 1);
}

class Tags {
 public:
  explicit Tags(itk::MetaDataDictionary& dictionary) : dictionary_(dictionary) {}
  void Set(const char* tag, const std::string& value) {
    itk::EncapsulateMetaData<std::string>(dictionary_, tag, value);
  }

 private:
  itk::MetaDataDictionary& dictionary_;
};

void SetHeader(Tags tags, const SeriesName& name, std::size_t slice, const Grid& grid) {
  const Protocol protocol = ProtocolOf(name.sequence);
  const auto series = static_cast<std::uint64_t>(name.sequence);
  tags.Set("0008|0005", "ISO_IR 192");
  tags.Set("0008|0008", "ORIGINAL\\PRIMARY\\M\\ND");
  for (const char* date : {"0008|0012", "0008|0020", "0008|0023"})
    tags.Set(date, kNoDate);  // GDCM would take the clock
  for (const char* time : {"0008|0013", "0008|0030", "0008|0033"}) tags.Set(time, "000000");
  tags.Set("0008|0016", kMrStorage);
  tags.Set("0008|0018", Uid(name, fmt::format("image {}", series), slice));
  tags.Set("0008|0060", "MR");
  tags.Set("0008|0070", "SIMULATED");
  tags.Set("0008|103e", protocol.description);
  tags.Set("0008|1090", name.scanner->name);
  tags.Set("0010|0010", name.patient);
  tags.Set("0010|0020", name.patient);
  tags.Set("0012|0062", "YES");
  tags.Set("0012|0063", "simulated: no real patient");
  tags.Set("0018|0020", protocol.scanning_sequence);
  tags.Set("0018|0021", "NONE");
  tags.Set("0018|0023", "3D");
  tags.Set("0018|0050", fmt::format("{}", grid.spacing[2]));
  tags.Set("0018|0080", fmt::format("{}", protocol.repetition_ms));
  tags.Set("0018|0081", fmt::format("{}", protocol.echo_ms));
  if (protocol.inversion_ms > 0.0) tags.Set("0018|0082", fmt::format("{}", protocol.inversion_ms));
  if (protocol.contrast) tags.Set("0018|0010", "GADOLINIUM");
  tags.Set("0018|0087", fmt::format("{}", name.scanner->tesla));
  tags.Set("0020|000d", Uid(name, "study", 0));
  tags.Set("0020|000e", Uid(name, "series", series));
  tags.Set("0020|0052", Uid(name, "frame", 0));
  tags.Set("0020|0011", fmt::format("{}", series + 1));
  tags.Set("0020|0013", fmt::format("{}", slice + 1));
  tags.Set("0028|0004", "MONOCHROME2");
}

void WriteSlice(const std::filesystem::path& file, const SeriesName& name, const Grid& grid, std::size_t slice,
                const std::int16_t* voxels) {
  const auto io = itk::GDCMImageIO::New();
  io->SetFileName(file.string());
  io->KeepOriginalUIDOn();
  io->SetNumberOfDimensions(3);
  itk::ImageIORegion region(3);
  for (unsigned axis = 0; axis < 3; ++axis) {
    const double sign = axis < 2 ? -1.0 : 1.0;  // ITK's and DICOM's axes point to the left, the back and up
    std::vector<double> direction(3, 0.0);
    direction[axis] = sign;
    const double first = grid.origin[axis] + (axis == 2 ? grid.spacing[2] * static_cast<double>(slice) : 0.0);
    io->SetDimensions(axis, axis < 2 ? grid.size[axis] : 1);
    io->SetSpacing(axis, grid.spacing[axis]);
    io->SetOrigin(axis, sign * first);
    io->SetDirection(axis, direction);
    region.SetSize(axis, axis < 2 ? grid.size[axis] : 1);
  }
  io->SetIORegion(region);
  io->SetPixelType(itk::IOPixelEnum::SCALAR);
  io->SetNumberOfComponents(1);
  io->SetComponentType(itk::IOComponentEnum::SHORT);
  SetHeader(Tags(io->GetMetaDataDictionary()), name, slice, grid);
  io->Write(voxels);
}

}  // namespace

Status WriteDicomSeries(const std::filesystem::path& folder, const SeriesName& name, const Grid& grid,
                        const std::vector<std::int16_t>& scan) {
  try {
    const std::size_t slice_voxels = grid.size[0] * grid.size[1];
    for (std::size_t slice = 0; slice < grid.size[2]; ++slice)
      WriteSlice(folder / fmt::format("{}_{:03}.dcm", ToString(name.sequence), slice + 1), name, grid, slice,
                 scan.data() + slice * slice_voxels);
  } catch (const std::exception& fault) {
    return Error{ErrorCode::kUnavailable, fmt::format("{} can't be written: {}", folder.string(), fault.what())};
  }
  return {};
}

}  // namespace fedtrial::sim
