#include "site_node/imaging/identity.h"

#include <fmt/format.h>
#include <gdcmReader.h>
#include <set>
#include <string_view>
#include <utility>

#include "site_node/imaging/itk_guard.h"

namespace fedtrial::imaging {

namespace {

struct Named {
  std::uint16_t group, element;
  std::string_view name;
};

// Basic profile of DICOM PS3.15 annex E, what an MR series commonly carries of it.
constexpr Named kTelling[] = {
    {0x0008, 0x0018, "SOPInstanceUID"},
    {0x0008, 0x0020, "StudyDate"},
    {0x0008, 0x0021, "SeriesDate"},
    {0x0008, 0x0022, "AcquisitionDate"},
    {0x0008, 0x0050, "AccessionNumber"},
    {0x0008, 0x0080, "InstitutionName"},
    {0x0008, 0x0081, "InstitutionAddress"},
    {0x0008, 0x0090, "ReferringPhysicianName"},
    {0x0008, 0x1010, "StationName"},
    {0x0008, 0x1030, "StudyDescription"},
    {0x0008, 0x1050, "PerformingPhysicianName"},
    {0x0008, 0x1070, "OperatorsName"},
    {0x0010, 0x0010, "PatientName"},
    {0x0010, 0x0020, "PatientID"},
    {0x0010, 0x0030, "PatientBirthDate"},
    {0x0010, 0x1000, "OtherPatientIDs"},
    {0x0010, 0x1001, "OtherPatientNames"},
    {0x0010, 0x1040, "PatientAddress"},
    {0x0010, 0x2154, "PatientTelephoneNumbers"},
    {0x0010, 0x21b0, "AdditionalPatientHistory"},
    {0x0010, 0x4000, "PatientComments"},
    {0x0020, 0x000d, "StudyInstanceUID"},
    {0x0020, 0x000e, "SeriesInstanceUID"},
    {0x0020, 0x0010, "StudyID"},
    {0x0020, 0x4000, "ImageComments"},
    {0x0040, 0xa730, "ContentSequence"},
};

bool Filled(const gdcm::DataElement& element) { return !element.IsEmpty() && element.GetVL() > 0; }

}  // namespace

Result<std::vector<std::string>> IdentityTags(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return GuardItk(name, [&]() -> Result<std::vector<std::string>> {
    gdcm::Reader reader;
    reader.SetFileName(file.c_str());
    if (!reader.ReadUpToTag(gdcm::Tag(0x7fe0, 0x0010)))
      return Error{ErrorCode::kInvalidInput, name + ": not a DICOM file that can be read"};
    const gdcm::DataSet& data = reader.GetFile().GetDataSet();
    std::vector<std::string> found;
    for (const Named& tag : kTelling)
      if (const gdcm::Tag key(tag.group, tag.element); data.FindDataElement(key) && Filled(data.GetDataElement(key)))
        found.push_back(fmt::format("{} ({:04x},{:04x})", tag.name, tag.group, tag.element));
    std::set<std::uint16_t> others;
    for (const gdcm::DataElement& element : data.GetDES()) {
      const std::uint16_t group = element.GetTag().GetGroup();
      if (group % 2 == 1 || (group >= 0x6000 && group < 0x6100)) others.insert(group);
    }
    for (const std::uint16_t group : others)
      found.push_back(fmt::format("{} group {:04x}", group % 2 == 1 ? "private" : "overlay", group));
    return found;
  });
}

}  // namespace fedtrial::imaging
