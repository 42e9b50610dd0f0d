#include "site_node/imaging/dicom_header.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <gdcmReader.h>
#include <gdcmTag.h>

#include "site_node/imaging/itk_guard.h"

namespace fedtrial::imaging {

namespace {

constexpr std::string_view kMrImage = "1.2.840.10008.5.1.4.1.1.4";
constexpr std::string_view kEnhancedMr = "1.2.840.10008.5.1.4.1.1.4.1";
constexpr std::string_view kSecondaryCapture = "1.2.840.10008.5.1.4.1.1.7";

Error Refused(std::string what) { return {ErrorCode::kInvalidInput, std::move(what)}; }

class Tags {
 public:
  explicit Tags(const gdcm::DataSet& data) : data_(data) {}

  // Without the padding that makes a value's length even; "" where it isn't there.
  std::string Text(const gdcm::Tag& tag) const {
    const std::string raw = Raw(tag);
    const auto first = raw.find_first_not_of(' ');
    if (first == std::string::npos) return "";
    const auto last = raw.find_last_not_of(std::string_view(" \0", 2));
    return last == std::string::npos || last < first ? "" : raw.substr(first, last - first + 1);
  }

  std::vector<std::string> Texts(const gdcm::Tag& tag) const {
    std::vector<std::string> parts;
    const std::string text = Text(tag);
    for (std::size_t from = 0; from <= text.size() && !text.empty();) {
      const std::size_t to = std::min(text.find('\\', from), text.size());
      parts.push_back(text.substr(from, to - from));
      from = to + 1;
    }
    return parts;
  }

  // As many finite numbers as wanted, or none.
  std::vector<double> Numbers(const gdcm::Tag& tag, std::size_t wanted) const {
    std::vector<double> out;
    for (const std::string& part : Texts(tag)) {
      char* end = nullptr;
      const double value = std::strtod(part.c_str(), &end);
      if (end == part.c_str() || !std::isfinite(value)) return {};
      out.push_back(value);
    }
    return out.size() == wanted ? out : std::vector<double>{};
  }

  std::optional<double> Number(const gdcm::Tag& tag) const {
    const std::vector<double> one = Numbers(tag, 1);
    return one.empty() ? std::nullopt : std::optional(one.front());
  }

  // An unsigned 16 bit value; 0 where it isn't there.
  std::size_t Short(const gdcm::Tag& tag) const {
    const std::string raw = Raw(tag);
    if (raw.size() < 2) return 0;
    return static_cast<unsigned char>(raw[0]) + 256u * static_cast<unsigned char>(raw[1]);
  }

 private:
  std::string Raw(const gdcm::Tag& tag) const {
    if (!data_.FindDataElement(tag)) return "";
    const gdcm::ByteValue* value = data_.GetDataElement(tag).GetByteValue();
    return value == nullptr ? "" : std::string(value->GetPointer(), value->GetLength());
  }

  const gdcm::DataSet& data_;
};

std::optional<bool> Contrast(const Tags& tags) {
  const std::string agent = tags.Text({0x0018, 0x0010});
  if (agent == "NONE" || agent == "None" || agent == "none") return false;
  if (!agent.empty() || !tags.Text({0x0018, 0x1042}).empty()) return true;
  return std::nullopt;
}

void ReadPlace(const Tags& tags, SliceHeader& slice) {
  if (const auto p = tags.Numbers({0x0020, 0x0032}, 3); !p.empty()) slice.position = Vec3{p[0], p[1], p[2]};
  if (const auto o = tags.Numbers({0x0020, 0x0037}, 6); !o.empty())
    slice.orientation = std::array<Vec3, 2>{Vec3{o[0], o[1], o[2]}, Vec3{o[3], o[4], o[5]}};
  if (const auto s = tags.Numbers({0x0028, 0x0030}, 2); !s.empty()) slice.spacing = {s[1], s[0], 0.0};
  slice.rows = tags.Short({0x0028, 0x0010});
  slice.columns = tags.Short({0x0028, 0x0011});
}

SliceHeader ReadAll(const std::filesystem::path& file, const Tags& tags) {
  SliceHeader slice;
  slice.file = file;
  slice.sop_class = tags.Text({0x0008, 0x0016});
  slice.sop_instance = tags.Text({0x0008, 0x0018});
  slice.series_uid = tags.Text({0x0020, 0x000e});
  slice.patient = tags.Text({0x0010, 0x0020}) + "\\" + tags.Text({0x0010, 0x0010});
  slice.modality = tags.Text({0x0008, 0x0060});
  slice.photometric = tags.Text({0x0028, 0x0004});
  slice.burned_in = tags.Text({0x0028, 0x0301});
  slice.image_type = tags.Texts({0x0008, 0x0008});
  slice.description = tags.Text({0x0008, 0x103e});
  slice.protocol = tags.Text({0x0018, 0x1030});
  slice.acquisition = tags.Text({0x0020, 0x0012});
  slice.acquisition_time = tags.Text({0x0008, 0x0032});
  slice.scanning_sequence = tags.Text({0x0018, 0x0020});
  slice.dimensions = tags.Text({0x0018, 0x0023});
  slice.echo_ms = tags.Number({0x0018, 0x0081});
  slice.repetition_ms = tags.Number({0x0018, 0x0080});
  slice.inversion_ms = tags.Number({0x0018, 0x0082});
  slice.contrast = Contrast(tags);
  ReadPlace(tags, slice);
  slice.frames = static_cast<std::size_t>(std::clamp(tags.Number({0x0028, 0x0008}).value_or(1.0), 1.0, 1e6));
  slice.samples = tags.Short({0x0028, 0x0002});
  slice.slope = tags.Number({0x0028, 0x1053}).value_or(1.0);
  slice.intercept = tags.Number({0x0028, 0x1052}).value_or(0.0);
  slice.lossy = tags.Text({0x0028, 0x2110}) == "01";
  return slice;
}

bool UnitAndSquare(const std::array<Vec3, 2>& axes) {
  const auto dot = [](const Vec3& a, const Vec3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; };
  return std::abs(dot(axes[0], axes[0]) - 1.0) < 1e-3 && std::abs(dot(axes[1], axes[1]) - 1.0) < 1e-3 &&
         std::abs(dot(axes[0], axes[1])) < 1e-3;
}

}  // namespace

Result<SliceHeader> ReadSliceHeader(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return GuardItk(name, [&]() -> Result<SliceHeader> {
    gdcm::Reader reader;
    reader.SetFileName(file.c_str());
    if (!reader.ReadUpToTag(gdcm::Tag(0x7fe0, 0x0010))) return Refused(name + ": not a DICOM file that can be read");
    SliceHeader slice = ReadAll(file, Tags(reader.GetFile().GetDataSet()));
    slice.packed = reader.GetFile().GetHeader().GetDataSetTransferSyntax().IsEncapsulated();
    return slice;
  });
}

Status CheckSlice(const SliceHeader& slice) {
  if (slice.modality != "MR") return Refused(fmt::format("modality \"{}\", wanted MR", slice.modality));
  if (slice.sop_class == kEnhancedMr || slice.frames > 1)
    return Refused("enhanced multi-frame: ask the scanner or archive for the classic form, one file a slice");
  if (slice.sop_class.starts_with(kSecondaryCapture)) return Refused("a screen shot, which may show a name");
  if (slice.sop_class != kMrImage) return Refused("not an MR image (another SOP class)");
  if (slice.burned_in == "YES") return Refused("identity is burned into the pixels (0028,0301)");
  if (slice.samples > 1) return Refused("colour, wanted grey values");
  if (std::find(slice.image_type.begin(), slice.image_type.end(), "MOSAIC") != slice.image_type.end())
    return Refused("a mosaic of slices in one picture");
  if (!slice.position || !slice.orientation || !UnitAndSquare(*slice.orientation))
    return Refused("no place in space: (0020,0032) or (0020,0037) is missing or wrong");
  if (!(slice.spacing[0] > 0.0 && slice.spacing[1] > 0.0)) return Refused("no pixel spacing (0028,0030)");
  if (slice.columns == 0 || slice.rows == 0) return Refused("no rows or columns");
  return {};
}

}  // namespace fedtrial::imaging
