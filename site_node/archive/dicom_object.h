#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace fedtrial::site {

// DICOM tags, group << 16 | element.
inline constexpr std::uint32_t kSopInstance = 0x00080018, kStudyDate = 0x00080020, kLevel = 0x00080052,
                               kModality = 0x00080060, kModalitiesInStudy = 0x00080061, kPatientId = 0x00100020,
                               kStudyUid = 0x0020000d, kSeriesUid = 0x0020000e, kImagesOfSeries = 0x00201209,
                               kSopClass = 0x00080016;

// DCMTK's own log, which could name patients, is off from here on.
void SilenceDicomLog();

// 1 to 64 digits and dots, no part of it empty: leading zeros are borne, real scanners write them.
bool IsUid(std::string_view text);

// These texts of a data set up to its pixels, spaces and zeros at their ends taken off; "" for one that isn't there.
// kIntegrity: not a data set of this transfer syntax.
Result<std::map<std::uint32_t, std::string>> ReadTexts(const Bytes& data, const std::string& transfer_syntax,
                                                       const std::vector<std::uint32_t>& tags);

// What stands before the data set in a file (PS3.10: preamble and meta information).
Result<Bytes> FileHead(const std::string& sop_class, const std::string& sop_instance,
                       const std::string& transfer_syntax);

}  // namespace fedtrial::site
