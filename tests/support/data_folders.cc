#include "tests/support/data_folders.h"

#include <cstdlib>

namespace fedtrial {
namespace {

const std::filesystem::path kSource = FEDTRIAL_SOURCE_DIR;

std::filesystem::path FromEnvironment(const char* name, const std::filesystem::path& otherwise) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

std::filesystem::path VectorsFolder() { return FromEnvironment("FEDTRIAL_VECTORS", kSource / "tests/vectors"); }

std::filesystem::path SharedFolder() { return FromEnvironment("FEDTRIAL_SHARED", kSource / "../shared"); }

std::filesystem::path FindFolder(const std::string& name, const std::string& file) {
  for (const auto& above :
       {VectorsFolder(), kSource / "tests/vectors", kSource / "deploy/data", SharedFolder() / "data"})
    if (exists(above / name / file)) return above / name;
  return {};
}

}  // namespace fedtrial
