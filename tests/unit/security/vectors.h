#pragma once

#include <algorithm>
#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/bytes.h"
#include "tests/support/data_folders.h"

// Known answers for the tests of security.
namespace fedtrial {

inline nlohmann::json LoadVectors(const std::string& name) {
  const std::filesystem::path path = VectorsFolder() / name;
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << "can't read " << path;
  return nlohmann::json::parse(file);
}

// One list of a file, never empty.
inline nlohmann::json Vectors(const std::string& name, const std::string& list) {
  nlohmann::json vectors = LoadVectors(name)[list];
  EXPECT_FALSE(vectors.empty()) << name << " has no " << list;
  return vectors;
}

inline Bytes Hex(const nlohmann::json& text) { return FromHex(text.get<std::string>()).value(); }

template <std::size_t N = 32>
std::array<std::uint8_t, N> HexArray(const nlohmann::json& text) {
  const Bytes bytes = Hex(text);
  EXPECT_EQ(bytes.size(), N) << text;
  std::array<std::uint8_t, N> out{};
  std::copy_n(bytes.begin(), std::min(N, bytes.size()), out.begin());
  return out;
}

// 64-bit numbers are decimal strings in the files.
inline std::uint64_t Number64(const nlohmann::json& value) {
  return value.is_string() ? std::stoull(value.get<std::string>()) : value.get<std::uint64_t>();
}

}  // namespace fedtrial
