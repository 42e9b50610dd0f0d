#include "tests/unit/site_node/imaging/dicom_writer.h"

#include <fmt/format.h>
#include <gdcmDataElement.h>
#include <gdcmTransferSyntax.h>
#include <gdcmWriter.h>
#include <gtest/gtest.h>

namespace fedtrial::imaging {

namespace {

void Put(gdcm::DataSet& data, unsigned group, unsigned element, gdcm::VR::VRType vr, const char* bytes,
         std::size_t size) {
  gdcm::DataElement out(gdcm::Tag(static_cast<std::uint16_t>(group), static_cast<std::uint16_t>(element)));
  out.SetVR(vr);
  out.SetByteValue(bytes, static_cast<std::uint32_t>(size));
  data.Replace(out);
}

void PutShort(gdcm::DataSet& data, unsigned group, unsigned element, std::size_t value) {
  const char bytes[2] = {static_cast<char>(value & 0xff), static_cast<char>(value >> 8)};
  Put(data, group, element, gdcm::VR::US, bytes, 2);
}

gdcm::VR::VRType KindOf(std::pair<unsigned, unsigned> tag) {
  const auto [group, element] = tag;
  if (group == 0x0008 && (element == 0x16 || element == 0x18)) return gdcm::VR::UI;
  if (group == 0x0020 && (element == 0x0d || element == 0x0e)) return gdcm::VR::UI;
  if (group == 0x0008 && element == 0x20) return gdcm::VR::DA;
  if (group == 0x0010 && element == 0x10) return gdcm::VR::PN;
  if (group == 0x0028 && (element == 0x30 || element == 0x1052 || element == 0x1053)) return gdcm::VR::DS;
  if ((group == 0x0018 && (element == 0x80 || element == 0x81 || element == 0x82)) ||
      (group == 0x0020 && (element == 0x32 || element == 0x37)))
    return gdcm::VR::DS;
  if (group == 0x0028 && element == 0x08) return gdcm::VR::IS;
  if (group == 0x0018 && element == 0x1042) return gdcm::VR::TM;
  if (group == 0x0008 && element == 0x32) return gdcm::VR::TM;
  if (group == 0x0008 && element == 0x103e) return gdcm::VR::LO;
  if (group == 0x0018 && (element == 0x10 || element == 0x1030)) return gdcm::VR::LO;
  if (group == 0x0010 && element == 0x20) return gdcm::VR::LO;
  return gdcm::VR::CS;
}

}  // namespace

std::vector<WrittenSlice> SlicesOf(const Scan& scan, const std::string& series_uid) {
  const Grid& grid = scan.grid;
  std::vector<WrittenSlice> slices;
  for (std::size_t z = 0; z < grid.size[2]; ++z) {
    const Vec3 place = Apply(IndexToWorld(grid), {0, 0, static_cast<double>(z)});
    WrittenSlice slice;
    slice.columns = grid.size[0];
    slice.rows = grid.size[1];
    for (std::size_t i = 0; i < slice.columns * slice.rows; ++i)
      slice.pixels.push_back(static_cast<unsigned short>(scan.voxels[Offset(grid, 0, 0, z) + i]));
    const Matrix3& d = grid.direction;
    slice.texts = {
        {{0x0008, 0x0008}, "ORIGINAL\\PRIMARY\\M"},
        {{0x0008, 0x0016}, "1.2.840.10008.5.1.4.1.1.4"},
        {{0x0008, 0x0018}, series_uid + "." + std::to_string(z + 1)},
        {{0x0008, 0x0060}, "MR"},
        {{0x0008, 0x103e}, "t1_se_tra"},
        {{0x0010, 0x0010}, "TEST^ONE"},
        {{0x0010, 0x0020}, "P1"},
        {{0x0018, 0x0020}, "SE"},
        {{0x0018, 0x0023}, "2D"},
        {{0x0018, 0x0080}, "500"},
        {{0x0018, 0x0081}, "10"},
        {{0x0020, 0x000d}, "1.2.3"},
        {{0x0020, 0x000e}, series_uid},
        {{0x0020, 0x0032}, fmt::format("{}\\{}\\{}", place[0], place[1], place[2])},
        {{0x0020, 0x0037}, fmt::format("{}\\{}\\{}\\{}\\{}\\{}", d[0][0], d[1][0], d[2][0], d[0][1], d[1][1], d[2][1])},
        {{0x0028, 0x0004}, "MONOCHROME2"},
        {{0x0028, 0x0030}, fmt::format("{}\\{}", grid.spacing[1], grid.spacing[0])},
    };
    slices.push_back(std::move(slice));
  }
  return slices;
}

void WriteSlice(const std::filesystem::path& file, const WrittenSlice& slice) {
  gdcm::Writer writer;
  gdcm::DataSet& data = writer.GetFile().GetDataSet();
  for (const auto& [tag, text] : slice.texts) {
    const gdcm::VR::VRType kind = KindOf(tag);
    std::string padded = text;
    if (padded.size() % 2 == 1) padded.push_back(kind == gdcm::VR::UI ? '\0' : ' ');
    Put(data, tag.first, tag.second, kind, padded.data(), padded.size());
  }
  PutShort(data, 0x0028, 0x0002, 1);
  PutShort(data, 0x0028, 0x0010, slice.rows);
  PutShort(data, 0x0028, 0x0011, slice.columns);
  PutShort(data, 0x0028, 0x0100, 16);
  PutShort(data, 0x0028, 0x0101, 16);
  PutShort(data, 0x0028, 0x0102, 15);
  PutShort(data, 0x0028, 0x0103, 0);
  Put(data, 0x7fe0, 0x0010, gdcm::VR::OW, reinterpret_cast<const char*>(slice.pixels.data()), 2 * slice.pixels.size());
  writer.GetFile().GetHeader().SetDataSetTransferSyntax(gdcm::TransferSyntax::ExplicitVRLittleEndian);
  writer.SetFileName(file.c_str());
  ASSERT_TRUE(writer.Write());
}

std::vector<std::filesystem::path> WriteSeries(const std::filesystem::path& folder,
                                               const std::vector<WrittenSlice>& slices) {
  std::filesystem::create_directories(folder);
  std::vector<std::filesystem::path> files;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    files.push_back(folder / fmt::format("IM{:04}", slices.size() - i));
    WriteSlice(files.back(), slices[i]);
  }
  return files;
}

}  // namespace fedtrial::imaging
