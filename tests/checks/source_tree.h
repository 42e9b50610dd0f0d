#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fedtrial::checks {

struct SourceFile {
  std::string path;  // from the top of the repository
  std::string text;
};

// Every regular file below root/folder for each of the folders, in order of path; without hidden folders, build/ and
// what a demo leaves.
std::vector<SourceFile> ReadTree(const std::filesystem::path& root, const std::vector<std::string>& folders);

bool IsCpp(const SourceFile& file);

// Lies path in folder (or is it that)? "security/crypto_x" does not lie in "security/crypto".
bool LiesIn(std::string_view path, std::string_view folder);

}  // namespace fedtrial::checks
