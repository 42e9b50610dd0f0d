#include <fmt/format.h>
#include <memory>
#include <utility>

#include "common/runtime/files.h"
#include "coordinator/shell/accumulator.h"
#include "coordinator/tasks/task.h"
#include "tests/bench/figure.h"
#include "tests/bench/rooflines.h"
#include "tests/bench/round_parts.h"

namespace fedtrial::bench {
namespace {

using coordinator::Accumulator;

// The same sum over words that lie in memory already.
template <typename Word>
Pair AccumulatePair(std::uint64_t count) {
  struct State {
    Folder folder;
    Accumulator sum{1};
    std::vector<Word> resident, more;
  };
  const auto state = std::make_shared<State>();
  state->resident.assign(count, 1);
  state->more.assign(count, 2);
  const std::filesystem::path file = state->folder / "upload";
  Check(WriteWholeFile(file, {reinterpret_cast<const std::uint8_t*>(state->more.data()), count * sizeof(Word)}));
  state->sum.Reset(8 * sizeof(Word), count);
  return {[state, file] { return SecondsOf(Clock::kCpu, [&] { Check(state->sum.Add(file)); }); },
          [state, count] {
            const double copy = CopySeconds(Clock::kCpu, count * sizeof(Word));  // out of the page cache
            return copy + SecondsOf(Clock::kCpu, [&] {
                     for (std::size_t i = 0; i < count; ++i) state->resident[i] += state->more[i];
                   });
          }};
}

Pair QuantizePair(unsigned word_bits, std::uint64_t count) {
  const auto manifest = std::make_shared<Manifest>(BenchManifest(word_bits, count));
  const auto contribution = std::make_shared<Contribution>(BenchContribution(*manifest, 1));
  return {[=] { return SecondsOf(Clock::kCpu, [&] { Must(EncodeContribution(*manifest, *contribution, {})); }); },
          // A fresh vector filled from the values: the pages of the result are a part of it.
          [=] {
            const auto& values = std::get<std::vector<float>>(contribution->tensors[0].values);
            return SecondsOf(Clock::kCpu, [&] {
              if (word_bits == 32)
                std::vector<std::uint32_t>(count).assign(values.begin(), values.end());
              else
                std::vector<std::uint64_t>(count).assign(values.begin(), values.end());
            });
          }};
}

// From the last site's last byte to the next model: its upload is added from the page cache, then the means move the
// model. What must move a parameter: the upload's word read, the sum read and written, the sum read again, the weight
// read and written: 24 bytes.
Pair TailPair(std::uint64_t count) {
  struct State {
    Folder folder;
    Plan plan = BenchPlan();
    Manifest manifest;
    Accumulator sum{1};
    Model model;
  };
  const auto state = std::make_shared<State>();
  state->manifest = BenchManifest(32, count);
  state->model = BenchModel(count);
  const std::filesystem::path file = state->folder / "upload";
  const Encoded upload = Must(EncodeContribution(state->manifest, BenchContribution(state->manifest, 1), {}));
  Check(WriteWholeFile(file, WordBytes(upload.words)));
  const auto work = [state, file] {
    state->sum.Reset(32, state->manifest.Words());
    for (int i = 0; i < 2; ++i) Check(state->sum.Add(file));
    const Task task = BenchTask(state->plan);
    coordinator::ServerState server;
    return SecondsOf(Clock::kCpu, [&] {
      Check(state->sum.Add(file));
      const Sum sum = Must(Sum::Over(state->manifest, state->sum.words(), 3, state->plan.encoding.patient_cap));
      coordinator::Outcome outcome = Must(Finish(state->plan, task, sum, std::move(state->model), server));
      state->model = std::move(*outcome.next);
    });
  };
  return {work, [count] { return CopySeconds(Clock::kCpu, count * 12); }};  // a copied byte is read and written
}

}  // namespace

std::vector<Figure> WordFigures(Scale scale) {
  std::vector<Figure> figures;
  for (const std::uint64_t millions : {1, 10}) {
    const std::uint64_t count = scale(millions * 1'000'000);
    const std::string roofline = "one memcpy of the upload and a ring add in memory";
    figures.push_back({fmt::format("accumulate/u32/{}M", millions), roofline, 2.0, Clock::kCpu, 15, 4 * count,
                       [=] { return AccumulatePair<std::uint32_t>(count); }});
    figures.push_back({fmt::format("accumulate/u64/{}M", millions), roofline, 2.0, Clock::kCpu, 15, 8 * count,
                       [=] { return AccumulatePair<std::uint64_t>(count); }});
  }
  const std::uint64_t count = scale(10'000'000);
  for (const unsigned bits : {32U, 64U})
    figures.push_back({fmt::format("quantize/u{}/10M", bits), "the values assigned into fresh words", 2.0, Clock::kCpu,
                       15, 4 * count, [=] { return QuantizePair(bits, count); }});
  figures.push_back({"tail/10M", "memory that must move: 24 bytes a parameter", 2.0, Clock::kCpu, 15, 4 * count,
                     [=] { return TailPair(count); }});
  return figures;
}

}  // namespace fedtrial::bench
