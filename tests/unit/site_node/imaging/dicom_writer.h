#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "site_node/imaging/scan.h"

namespace fedtrial::imaging {

// One slice as a test wants it: texts by tag, pixels of 16 bits.
struct WrittenSlice {
  std::map<std::pair<unsigned, unsigned>, std::string> texts;
  std::size_t columns = 0, rows = 0;
  std::vector<unsigned short> pixels;
};

// An MR series of a scan's planes with all that a scanner writes: T1, spin echo, patient "TEST^ONE".
std::vector<WrittenSlice> SlicesOf(const Scan& scan, const std::string& series_uid);

void WriteSlice(const std::filesystem::path& file, const WrittenSlice& slice);

// Names count from the last slice to the first, so that their order is the wrong one.
std::vector<std::filesystem::path> WriteSeries(const std::filesystem::path& folder,
                                               const std::vector<WrittenSlice>& slices);

}  // namespace fedtrial::imaging
