#include "site_node/archive/dicom_object.h"

#include <algorithm>
#include <array>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>

namespace fedtrial::site {
namespace {

constexpr std::size_t kMaxUid = 64;
constexpr std::size_t kMaxHead = 4096;

DcmTagKey KeyOf(std::uint32_t tag) { return {static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xffff)}; }

std::string Trimmed(std::string text) {
  const auto filler = [](char c) { return c == ' ' || c == '\0'; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), filler).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), filler));
  return text;
}

}  // namespace

void SilenceDicomLog() {
  [[maybe_unused]] static const bool done = [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    return true;
  }();
}

bool IsUid(std::string_view text) {
  return !text.empty() && text.size() <= kMaxUid && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<std::map<std::uint32_t, std::string>> ReadTexts(const Bytes& data, const std::string& transfer_syntax,
                                                       const std::vector<std::uint32_t>& tags) {
  SilenceDicomLog();
  const E_TransferSyntax syntax = DcmXfer(transfer_syntax.c_str()).getXfer();
  const auto unreadable = [](const char* why) {
    return Error{ErrorCode::kIntegrity, fmt::format("a data set that can't be read: {}", why)};
  };
  if (syntax == EXS_Unknown) return unreadable("its transfer syntax isn't known");
  std::map<std::uint32_t, std::string> texts;
  for (const std::uint32_t tag : tags) texts[tag] = "";
  if (data.empty()) return texts;
  DcmInputBufferStream stream;
  stream.setBuffer(data.data(), static_cast<offile_off_t>(data.size()));
  stream.setEos();
  DcmDataset parsed;
  parsed.transferInit();
  const OFCondition read = parsed.readUntilTag(stream, syntax, EGL_noChange, DCM_MaxReadLength, DCM_PixelData);
  parsed.transferEnd();
  if (read.bad()) return unreadable(read.text());
  for (auto& [tag, text] : texts) {
    OFString value;
    if (parsed.findAndGetOFStringArray(KeyOf(tag), value).good()) text = Trimmed({value.c_str(), value.size()});
  }
  return texts;
}

Result<Bytes> FileHead(const std::string& sop_class, const std::string& sop_instance,
                       const std::string& transfer_syntax) {
  DcmMetaInfo head;
  const Uint8 version[] = {0, 1};
  OFCondition done = head.putAndInsertUint8Array(DCM_FileMetaInformationVersion, version, 2);
  const auto put = [&](const DcmTagKey& key, const std::string& value) {
    if (done.good()) done = head.putAndInsertString(DcmTag(key), value.c_str());
  };
  put(DCM_MediaStorageSOPClassUID, sop_class);
  put(DCM_MediaStorageSOPInstanceUID, sop_instance);
  put(DCM_TransferSyntaxUID, transfer_syntax);
  put(DCM_ImplementationClassUID, OFFIS_IMPLEMENTATION_CLASS_UID);
  put(DCM_ImplementationVersionName, OFFIS_DTK_IMPLEMENTATION_VERSION_NAME);
  if (done.good()) done = head.putAndInsertUint32(DCM_FileMetaInformationGroupLength, 0);
  if (done.good())
    done = head.computeGroupLengthAndPadding(EGL_withGL, EPD_noChange, EXS_LittleEndianExplicit, EET_ExplicitLength);
  std::array<std::uint8_t, kMaxHead> buffer;
  DcmOutputBufferStream stream(buffer.data(), static_cast<offile_off_t>(buffer.size()));
  if (done.good()) {
    head.transferInit();
    done = head.write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, nullptr);
    head.transferEnd();
  }
  if (done.bad()) return Error{ErrorCode::kInternal, fmt::format("no file can be made of an image: {}", done.text())};
  return Bytes(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(stream.filled()));
}

}  // namespace fedtrial::site
