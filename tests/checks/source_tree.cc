#include "tests/checks/source_tree.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace fedtrial::checks {
namespace {

namespace fs = std::filesystem;

// Hidden folders are read by name only (.ci); build/ and demo-*/ are what .gitignore leaves out.
bool IsOurs(const fs::path& folder, const fs::path& root) {
  const std::string name = folder.filename().string();
  if (name == ".ci") return true;
  if (name.starts_with('.')) return false;
  return folder.parent_path() != root || (name != "build" && !name.starts_with("demo-"));
}

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::vector<SourceFile> ReadTree(const fs::path& root, const std::vector<std::string>& folders) {
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    const fs::path top = folder.empty() ? root : root / folder;
    if (!fs::exists(top)) continue;
    for (auto entry = fs::recursive_directory_iterator(top); entry != fs::recursive_directory_iterator(); ++entry) {
      if (entry->is_directory() && !IsOurs(entry->path(), root)) entry.disable_recursion_pending();
      if (entry->is_regular_file() && entry->path().extension() != ".swp")
        files.push_back({fs::relative(entry->path(), root).generic_string(), Read(entry->path())});
    }
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

bool IsCpp(const SourceFile& file) { return file.path.ends_with(".h") || file.path.ends_with(".cc"); }

bool LiesIn(std::string_view path, std::string_view folder) {
  return path == folder || (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
}

}  // namespace fedtrial::checks
