#pragma once

#include <filesystem>
#include <string>

namespace fedtrial {

std::string ReadText(const std::filesystem::path& file);  // "" where there is none
void WriteText(const std::filesystem::path& file, const std::string& text);
std::string Replaced(std::string text, const std::string& from, const std::string& to);  // fails the test if absent

}  // namespace fedtrial
