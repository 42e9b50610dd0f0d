#include "model/params/model.h"

#include <gtest/gtest.h>
#include <limits>
#include <rapidcheck/gtest.h>

namespace fedtrial {
namespace {

Bytes File(const std::string& header, std::size_t data_bytes) {
  ByteWriter writer;
  writer.U64(header.size()).Label(header);
  writer.Raw(Bytes(data_bytes));
  return writer.Take();
}

Model Sample() {
  Model model;
  model.tensors["risk/beta"] = Tensor::OfType(ScalarType::kFloat32, {3}, {1.5, -2.25, 0.0});
  model.tensors["constants/mean"] = Tensor::Of({58.25, 0.5});
  model.tensors["a"] = Tensor::OfType(ScalarType::kFloat32, {}, {7.0});
  model.tensors["z/matrix"] = Tensor::OfType(ScalarType::kFloat64, {2, 2}, {1, 2, 3, 4});
  model.metadata = {{"trial", "demo"}, {"round", "3"}};
  return model;
}

TEST(ModelFile, WhatWasWrittenIsReadBack) {
  const Bytes bytes = EncodeModel(Sample()).value();
  const Model model = DecodeModel(bytes).value();
  EXPECT_EQ(model.tensors, Sample().tensors);
  EXPECT_EQ(model.metadata, Sample().metadata);
  EXPECT_EQ(EncodeModel(model).value(), bytes);
  EXPECT_EQ(EncodedSize(model).value(), bytes.size());
}

TEST(ModelFile, TheWriterIsCanonicalAndEveryTensorAligned) {
  const Bytes bytes = EncodeModel(Sample()).value();
  const std::uint64_t size = ByteReader(bytes).U64();
  EXPECT_EQ(size % 8, 0u);
  const std::string header(AsText(ByteView(bytes).subspan(8, size)));
  EXPECT_EQ(header.substr(0, header.find_last_not_of(' ') + 1),
            R"({"__metadata__":{"round":"3","trial":"demo"},)"
            R"("a":{"data_offsets":[48,52],"dtype":"F32","shape":[]},)"
            R"("constants/mean":{"data_offsets":[0,16],"dtype":"F64","shape":[2]},)"
            R"("risk/beta":{"data_offsets":[52,64],"dtype":"F32","shape":[3]},)"
            R"("z/matrix":{"data_offsets":[16,48],"dtype":"F64","shape":[2,2]}})");
}

TEST(ModelFile, TheHeaderAloneSaysWhatTheModelHolds) {
  const Bytes bytes = EncodeModel(Sample()).value();
  const std::size_t header = 8 + ByteReader(bytes).U64();
  const ModelHeader read = DecodeModelHeader(ByteView(bytes).first(header), bytes.size()).value();
  EXPECT_EQ(read.tensors, Sample().Header().tensors);
  EXPECT_EQ(read.metadata, Sample().metadata);
  ASSERT_NE(read.Find("risk/beta"), nullptr);
  EXPECT_EQ(read.Find("risk/beta")->shape, (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(read.Find("risk/bet"), nullptr);
  EXPECT_FALSE(DecodeModelHeader(ByteView(bytes).first(header - 1), bytes.size()).ok());
  EXPECT_FALSE(DecodeModelHeader(ByteView(bytes).first(header), bytes.size() - 1).ok());
}

TEST(ModelFile, AMissingTensorIsNamed) {
  const auto found = Sample().Find("risk/gamma");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kIntegrity);
  EXPECT_NE(found.error().message.find("risk/gamma"), std::string::npos);
}

TEST(ModelFile, ValuesThatAreNotFiniteAreKept) {
  Model model;
  model.tensors["a/x"] =
      Tensor::Of({std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()});
  const Model read = DecodeModel(EncodeModel(model).value()).value();
  EXPECT_EQ(read.tensors.at("a/x").at(0), std::numeric_limits<double>::infinity());
  EXPECT_NE(read.tensors.at("a/x").at(1), read.tensors.at("a/x").at(1));
}

TEST(ModelFile, ForeignFilesOfTheFormatAreRead) {
  // Blanks, another order of keys, no metadata, an empty tensor: as other writers make them.
  const auto model = DecodeModel(File(R"({ "b": {"shape":[1,2], "dtype":"F32", "data_offsets":[0,8]},
    "a": {"dtype":"F64","shape":[0],"data_offsets":[8,8]}, "c": {"dtype":"F64","data_offsets":[8,16],"shape":[1]} }  )",
                                      16));
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->tensors.size(), 3u);
}

TEST(ModelFile, AModelThatCannotBeWrittenIsRefused) {
  Model wrong_shape = Sample();
  wrong_shape.tensors["risk/beta"].shape = {4};
  EXPECT_FALSE(EncodeModel(wrong_shape).ok());
  Model overflow = Sample();
  overflow.tensors["risk/beta"].shape = {std::uint64_t{1} << 33, std::uint64_t{1} << 33};
  EXPECT_FALSE(EncodeModel(overflow).ok());
  Model bad_name = Sample();
  bad_name.tensors["a\nb"] = Tensor::Of({1});
  EXPECT_FALSE(EncodeModel(bad_name).ok());
  Model no_text = Sample();
  no_text.metadata["trial"] = "\xff\xfe";
  EXPECT_FALSE(EncodeModel(no_text).ok());
  Model reserved = Sample();
  reserved.tensors["__metadata__"] = Tensor::Of({1});
  EXPECT_FALSE(EncodeModel(reserved).ok());
}

struct Hostile {
  const char* what;
  std::string header;
  std::size_t data_bytes;
};

std::vector<Hostile> HostileFiles() {
  const std::string many(2'000, '[');
  return {
      {"no JSON", "{", 0},
      {"a list", "[1]", 0},
      {"a number", "1", 0},
      {"nothing", "", 0},
      {"blanks before", R"( {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4},
      {"text after", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}x)", 4},
      {"a second object", "{}{}", 0},
      {"a comment", "{/**/}", 0},
      {"a trailing comma", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},})", 4},
      {"not UTF-8", "{\"a\xff\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4},
      {"a zero byte", std::string("{\"a\0\":1}", 8), 0},
      {"deep nesting", R"({"a":)" + many, 0},
      {"deep nesting, whole", R"({"a":{"dtype":"F32","shape":[[[1]]],"data_offsets":[0,4]}})", 4},
      {"a name twice",
       R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4},
      {"a name twice, other places",
       R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8},
      {"dtype twice", R"({"a":{"dtype":"F64","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4},
      {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0},
      {"a metadata key twice", R"({"__metadata__":{"a":"1","a":"2"}})", 0},
      {"metadata that isn't text", R"({"__metadata__":{"a":1}})", 0},
      {"metadata that is a list", R"({"__metadata__":["a"]})", 0},
      {"an empty name", R"({"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4},
      {"a name with a control character", R"({"a\n":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4},
      {"an endless name", "{\"" + std::string(5000, 'a') + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4},
      {"an entry that is a number", R"({"a":1})", 0},
      {"an entry that is null", R"({"a":null})", 0},
      {"no dtype", R"({"a":{"shape":[1],"data_offsets":[0,4]}})", 4},
      {"no shape", R"({"a":{"dtype":"F32","data_offsets":[0,4]}})", 4},
      {"no offsets", R"({"a":{"dtype":"F32","shape":[1]}})", 4},
      {"one key more", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"pickle":"x"}})", 4},
      {"an unknown type", R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})", 4},
      {"an integer type", R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", 8},
      {"a type that is a number", R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})", 4},
      {"a shape that is text", R"({"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}})", 4},
      {"a negative shape", R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4},
      {"a broken number as shape", R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4},
      {"a shape that overflows", R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0},
      {"a shape that overflows to four bytes",
       R"({"a":{"dtype":"F32","shape":[4294967297,4294967297,8589934591],"data_offsets":[0,4]}})", 4},
      {"a shape times its type that overflows",
       R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})", 0},
      {"a number above 64 bits", R"({"a":{"dtype":"F32","shape":[18446744073709551617],"data_offsets":[0,4]}})", 4},
      {"too many dimensions", R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4},
      {"offsets of one", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}})", 4},
      {"offsets of three", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4},
      {"offsets that fall", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4},
      {"offsets that disagree with the shape", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8},
      {"offsets past the file", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4},
      {"offsets at the end of the range",
       R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551611,18446744073709551615]}})", 4},
      {"a gap before", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8},
      {"a gap between",
       R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
       12},
      {"bytes left over", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 5},
      {"an overlap",
       R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       8},
      {"the same place twice",
       R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       4},
      {"nothing but bytes", "{}", 1},
  };
}

TEST(ModelFile, HostileFilesAreRefusedWithAReason) {
  const auto files = HostileFiles();
  ASSERT_GE(files.size(), 40u);
  for (const Hostile& file : files) {
    const Bytes bytes = File(file.header, file.data_bytes);
    const auto model = DecodeModel(bytes);
    ASSERT_FALSE(model.ok()) << file.what;
    EXPECT_EQ(model.error().code, ErrorCode::kInvalidInput) << file.what;
    EXPECT_GT(model.error().message.size(), 10u) << file.what;
    EXPECT_FALSE(DecodeModelHeader(bytes, bytes.size()).ok()) << file.what;
  }
}

TEST(ModelFile, AHeaderSizeIsNotBelieved) {
  const Bytes good = EncodeModel(Sample()).value();
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{good.size()}, std::uint64_t{17} << 20, std::uint64_t{1} << 62,
        std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max() - 7}) {
    Bytes bytes = ByteWriter().U64(size).Take();
    bytes.insert(bytes.end(), good.begin() + 8, good.end());
    EXPECT_FALSE(DecodeModel(bytes).ok()) << size;
  }
  ModelLimits limits;
  limits.max_header_bytes = 10;
  EXPECT_FALSE(DecodeModel(good, limits).ok());
  limits = {};
  limits.max_values = 9;
  EXPECT_FALSE(DecodeModel(good, limits).ok());
  limits.max_values = 10;
  EXPECT_TRUE(DecodeModel(good, limits).ok());
}

TEST(ModelFile, ATruncatedFileIsRefusedAtEveryLength) {
  const Bytes good = EncodeModel(Sample()).value();
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(DecodeModel(ByteView(good).first(size)).ok()) << size;
}

RC_GTEST_PROP(ModelFile, AnythingAtAllIsReadOrRefused, (const std::string& header)) {
  const Bytes bytes = File("{" + header, *rc::gen::inRange<std::size_t>(0, 16));
  const auto model = DecodeModel(bytes);
  RC_ASSERT(model.ok() == DecodeModelHeader(bytes, bytes.size()).ok());
}

RC_GTEST_PROP(ModelFile, AChangedByteOfTheHeaderGivesAnErrorOrAModel, ()) {
  Bytes bytes = EncodeModel(Sample()).value();
  const std::size_t header = 8 + ByteReader(bytes).U64();
  const auto place = *rc::gen::inRange<std::size_t>(0, header);
  bytes[place] = *rc::gen::arbitrary<std::uint8_t>();
  const auto model = DecodeModel(bytes);
  if (model.ok()) {
    std::size_t values = 0;
    for (const auto& [name, tensor] : model->tensors) values += tensor.size();
    RC_ASSERT(values == 10u);
  }
}

}  // namespace
}  // namespace fedtrial
