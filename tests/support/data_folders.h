#pragma once

#include <filesystem>
#include <string>

namespace fedtrial {

std::filesystem::path VectorsFolder();  // known answers: FEDTRIAL_VECTORS, else tests/vectors
std::filesystem::path SharedFolder();   // data that isn't shipped: FEDTRIAL_SHARED, else ../shared; may not be there

// The folder `name` that has this file: of VectorsFolder, tests/vectors, deploy/data, SharedFolder's data; else "".
std::filesystem::path FindFolder(const std::string& name, const std::string& file);

}  // namespace fedtrial
