#include "model/params/word_stream.h"

#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>

#include "model/params/fixed_point.h"

namespace fedtrial {
namespace {

Bytes ValuesOf(const Contribution& contribution) {
  Bytes bytes;
  for (const Tensor& tensor : contribution.tensors) {
    std::visit(
        [&](const auto& values) {
          const auto* first = reinterpret_cast<const std::uint8_t*>(values.data());
          bytes.insert(bytes.end(), first, first + values.size() * sizeof(values[0]));
        },
        tensor.values);
  }
  return bytes;
}

struct Streamed {
  Bytes words;
  std::uint64_t clipped = 0;
};

// The values in pieces of so many bytes.
Result<Streamed> Stream(const Manifest& manifest, const std::vector<Contribution::Block>& blocks, ByteView values,
                        std::size_t piece) {
  Streamed streamed;
  ASSIGN_OR_RETURN(WordStream stream, WordStream::Start(manifest, blocks, [&](ByteView bytes) -> Status {
                     streamed.words.insert(streamed.words.end(), bytes.begin(), bytes.end());
                     return {};
                   }));
  for (; !values.empty(); values = values.subspan(std::min(piece, values.size())))
    RETURN_IF_ERROR(stream.Add(values.first(std::min(piece, values.size()))));
  ASSIGN_OR_RETURN(streamed.clipped, stream.Finish());
  return streamed;
}

Manifest Mixed(unsigned word_bits) {
  Manifest manifest;
  manifest.encoding = {word_bits, 10, 2.0};
  manifest.tensors = {{"a/x", {3}, ScalarType::kFloat32},
                      {"b/none", {0}, ScalarType::kFloat64},
                      {"b/y", {30'000}, ScalarType::kFloat64},
                      {"a/z", {2}, ScalarType::kFloat32}};
  return manifest;
}

Contribution Some(const Manifest& manifest, double step) {
  Contribution contribution{{{5, true}, {7, true}}, {}, {}};
  for (const TensorSpec& spec : manifest.tensors) {
    Tensor tensor = Tensor::Zeros(spec);
    for (std::size_t i = 0; i < tensor.size(); ++i) tensor.set(i, static_cast<double>(i % 777) * step - 1.5);
    contribution.tensors.push_back(std::move(tensor));
  }
  return contribution;
}

RC_GTEST_PROP(WordStream, GivesTheWordsOfTheWholeContributionHoweverItsBytesAreCut, ()) {
  const Manifest manifest = Mixed(*rc::gen::element(32u, 64u));
  const Contribution contribution = Some(manifest, static_cast<double>(*rc::gen::inRange(1, 100)) / 1e4);
  const auto whole = EncodeContribution(manifest, contribution, {}).value();
  const auto streamed =
      Stream(manifest, contribution.blocks, ValuesOf(contribution), *rc::gen::inRange<std::size_t>(1, 300'000));
  RC_ASSERT(streamed.ok());
  const auto bytes = WordBytes(whole.words);
  RC_ASSERT(streamed->words == Bytes(bytes.begin(), bytes.end()));
  RC_ASSERT(streamed->clipped == whole.clipped);
}

TEST(WordStream, ValuesThatAreMissingOrTooManyAreRefused) {
  const Manifest manifest = Mixed(32);
  const Contribution contribution = Some(manifest, 1e-3);
  Bytes values = ValuesOf(contribution);
  values.push_back(0);
  EXPECT_EQ(Stream(manifest, contribution.blocks, values, 1 << 20).error().code, ErrorCode::kInvalidInput);
  values.resize(values.size() - 2);
  EXPECT_EQ(Stream(manifest, contribution.blocks, values, 1 << 20).error().message,
            "tensor \"a/z\": 1 of 2 values came");
  EXPECT_EQ(Stream(manifest, contribution.blocks, {}, 1).error().message, "tensor \"a/x\": 0 of 3 values came");
}

TEST(WordStream, AValueThatIsNotFiniteIsNamed) {
  const Manifest manifest = Mixed(64);
  for (const double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    Contribution contribution = Some(manifest, 1e-3);
    contribution.tensors[2].set(29'999, bad);
    EXPECT_EQ(Stream(manifest, contribution.blocks, ValuesOf(contribution), 1000).error().message,
              "tensor \"b/y\": value 29999 is not finite");
  }
}

TEST(WordStream, BlocksThatDontFitTheManifestAreRefused) {
  const Manifest manifest = Mixed(32);
  EXPECT_FALSE(Stream(manifest, {{1, true}}, {}, 1).ok());
  EXPECT_FALSE(Stream(manifest, {{1, true}, {1, false}}, {}, 1).ok());
  EXPECT_FALSE(Stream(manifest, {{1, true}, {std::uint64_t{1} << 20, true}}, {}, 1).ok());
}

TEST(WordStream, AnErrorOfTheSinkIsPassedOn) {
  const Manifest manifest = Mixed(32);
  const auto stream = WordStream::Start(manifest, {{1, true}, {1, true}}, [](ByteView) -> Status {
    return Error{ErrorCode::kUnavailable, "disk full"};
  });
  EXPECT_EQ(stream.error().message, "disk full");
}

}  // namespace
}  // namespace fedtrial
