#include "tests/support/text_files.h"

#include <fstream>
#include <sstream>

#include "gtest/gtest.h"

namespace fedtrial {

std::string ReadText(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void WriteText(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t place = text.find(from);
  if (place == std::string::npos)
    ADD_FAILURE() << "no \"" << from << "\" to replace in\n" << text;
  else
    text.replace(place, from.size(), to);
  return text;
}

}  // namespace fedtrial
