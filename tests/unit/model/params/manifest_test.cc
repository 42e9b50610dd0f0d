#include "model/params/manifest.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

#include "model/params/fixed_point.h"
#include "security/crypto/sha256.h"
#include "tests/unit/security/vectors.h"

namespace fedtrial {
namespace {

constexpr char kFile[] = "secagg_bindings.json";

Manifest FromVector(const nlohmann::json& wanted) {
  Manifest manifest;
  manifest.step = wanted["step"];
  manifest.task = wanted["task"];
  manifest.seed = std::stoull(wanted["seed"].get<std::string>());
  manifest.model = DigestFromHex(wanted["model"].get<std::string>()).value();
  manifest.encoding = {wanted["encoding"]["word_bits"], wanted["encoding"]["f"], 8.0};
  for (const auto& tensor : wanted["tensors"])
    manifest.tensors.push_back({tensor["name"], tensor["shape"], ScalarType::kFloat32});
  return manifest;
}

TEST(Manifest, CanonicalJsonAndHashAreTheVectors) {
  const nlohmann::json vector = Vectors(kFile, "manifest");
  const std::string canonical = vector["canonical_json"];
  const Manifest manifest = FromVector(nlohmann::json::parse(canonical));
  EXPECT_EQ(manifest.CanonicalJson(), canonical);
  EXPECT_EQ(ToHex(Sha256(AsBytes(manifest.CanonicalJson()))), vector["manifest_hash"]);
}

TEST(Manifest, EveryFieldIsInTheCanonicalJson) {
  const Manifest manifest =
      FromVector(nlohmann::json::parse(Vectors(kFile, "manifest")["canonical_json"].get<std::string>()));
  const std::string canonical = manifest.CanonicalJson();
  std::vector<Manifest> changed(9, manifest);
  changed[0].step += 1;
  changed[1].task = "grid";
  changed[2].seed ^= 1;
  changed[3].model[31] ^= 1;
  changed[4].encoding.fraction_bits -= 1;
  changed[5].encoding.word_bits = 64;
  changed[6].tensors[0].name = "risk/weight";
  changed[7].tensors[0].shape = {11, 1};
  changed[8].tensors[1].type = ScalarType::kFloat64;
  for (std::size_t i = 0; i < changed.size(); ++i) EXPECT_NE(changed[i].CanonicalJson(), canonical) << i;
}

TEST(Manifest, ABlockIsAllBeforeTheLastSlash) {
  EXPECT_EQ((TensorSpec{"risk/beta", {}}.block()), "risk");
  EXPECT_EQ((TensorSpec{"r03k2/risk/beta", {}}.block()), "r03k2/risk");
  EXPECT_EQ((TensorSpec{"feature_ph.ecog/sum", {}}.block()), "feature_ph.ecog");
  EXPECT_EQ((TensorSpec{"risk.weight", {}}.block()), "risk");
  EXPECT_EQ((TensorSpec{"beta", {}}.block()), "");
}

TEST(Manifest, BlocksComeInOrderOfFirstAppearanceWithTwoWordsEach) {
  Manifest manifest;
  manifest.tensors = {{"b/x", {2, 3}}, {"a/x", {4}}, {"b/y", {}}};
  EXPECT_EQ(manifest.Blocks(), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(manifest.Values(), 11u);
  EXPECT_EQ(manifest.Words(), 15u);
}

TEST(LargestFractionBits, IsThatOfTheVectors) {
  const nlohmann::json vectors = Vectors(kFile, "f_32bit");
  ASSERT_FALSE(vectors.empty());
  for (const auto& vector : vectors)
    EXPECT_EQ(LargestFractionBits(vector["clip"], vector["cap"], vector["sites"], 32).value(),
              vector["f"].get<unsigned>())
        << vector;
}

TEST(LargestFractionBits, RefusesWhatFitsInNoWord) {
  EXPECT_FALSE(LargestFractionBits(8, std::uint64_t{1} << 29, 10, 32).ok());
  EXPECT_FALSE(LargestFractionBits(0, 10, 3, 32).ok());
  EXPECT_FALSE(LargestFractionBits(-1, 10, 3, 32).ok());
  EXPECT_FALSE(LargestFractionBits(std::numeric_limits<double>::infinity(), 10, 3, 64).ok());
  EXPECT_FALSE(LargestFractionBits(std::nan(""), 10, 3, 64).ok());
  EXPECT_FALSE(LargestFractionBits(1, 0, 3, 64).ok());
  EXPECT_FALSE(LargestFractionBits(1, 10, 0, 64).ok());
  EXPECT_FALSE(LargestFractionBits(1, 10, 3, 16).ok());
}

}  // namespace
}  // namespace fedtrial
