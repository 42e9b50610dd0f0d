#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "model/params/contribution.h"
#include "model/params/manifest.h"

namespace fedtrial {

// The words of a contribution, made while its values arrive: neither ever lies whole in memory. The same words, and
// refusals (kInvalidInput), as EncodeContribution. After an error it is of no more use.
class WordStream {
 public:
  using Sink = std::function<Status(ByteView)>;  // words, little-endian, in order; its errors are passed on

  // The front words go to the sink at once.
  static Result<WordStream> Start(Manifest manifest, std::vector<Contribution::Block> blocks, Sink sink);
  // The next bytes of the tensors' values, little-endian in the manifest's order, cut anywhere.
  Status Add(ByteView values);
  // How many values were clipped. Refuses if some have not come.
  Result<std::uint64_t> Finish();

 private:
  WordStream(Manifest manifest, std::vector<Contribution::Block> blocks, Sink sink);
  void SkipFinishedTensors();
  template <typename Word>
  Status PutFront();
  template <typename Word, typename Value>
  Status Encode(const std::vector<Value>& piece);
  Status EncodePiece();

  Manifest manifest_;
  std::vector<Contribution::Block> blocks_;
  std::vector<std::size_t> block_of_;  // tensor -> block
  Sink sink_;
  std::size_t tensor_ = 0;     // the one whose values come now
  std::uint64_t element_ = 0;  // its values that are encoded
  std::size_t held_ = 0;       // bytes of the piece that have come
  std::vector<float> floats_;  // the piece, by the tensor's type
  std::vector<double> doubles_;
  std::uint64_t clipped_ = 0;
};

}  // namespace fedtrial
