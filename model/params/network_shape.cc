#include "model/params/network_shape.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace fedtrial {
namespace {

bool IsBlockName(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool HasBins(HeadKind kind) { return kind != HeadKind::kMethylation && kind != HeadKind::kBinary; }

std::vector<std::string> ModalitiesOf(const NetworkShape& shape) {
  std::vector<std::string> names;
  for (const StaticShape& block : shape.statics) names.push_back(block.name);
  for (const PanelShape& panel : shape.panels) names.push_back(panel.name);
  if (!shape.mri.empty()) names.push_back(shape.mri);
  return names;
}

void CheckSizes(const NetworkSizes& sizes, bool images, bool pretrains, std::vector<std::string>& problems) {
  const auto positive = [&](std::string_view what, std::size_t value) {
    if (value == 0) problems.push_back(fmt::format("{} is 0", what));
  };
  positive("width", sizes.width);
  positive("layers", sizes.layers);
  positive("attention_heads", sizes.attention_heads);
  positive("feed_forward", sizes.feed_forward);
  positive("hidden", sizes.hidden);
  positive("embedding", sizes.embedding);
  if (sizes.attention_heads > 0 && sizes.width % sizes.attention_heads != 0)
    problems.push_back(
        fmt::format("width {} is no multiple of {} attention heads", sizes.width, sizes.attention_heads));
  if (!images) return;
  if (pretrains && sizes.channels.size() < 3)
    problems.push_back(fmt::format("{} stages of the volume encoder are too few to pretrain, wanted 3 or more",
                                   sizes.channels.size()));
  if (sizes.volume_channels < 1 || sizes.volume_channels > 2)
    problems.push_back(fmt::format("volume_channels is {}, wanted 1 or 2", sizes.volume_channels));
  if (sizes.channels.empty()) problems.push_back("the volume encoder has no stage");
  for (const std::size_t channels : sizes.channels)
    if (channels == 0 || channels % 8 != 0)
      problems.push_back(fmt::format("a stage has {} channels, wanted a multiple of 8", channels));
}

void CheckBlocks(const NetworkShape& shape, std::vector<std::string>& problems) {
  std::vector<std::string> names = ModalitiesOf(shape);
  const std::set<std::string> modalities(names.begin(), names.end());
  names.push_back(shape.fusion);
  for (const HeadShape& head : shape.heads) names.push_back(head.name);
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!IsBlockName(name)) problems.push_back(fmt::format("block \"{}\" isn't named in [a-z0-9_]+", name));
    if (!seen.insert(name).second) problems.push_back(fmt::format("block \"{}\" is there twice", name));
  }
  for (const StaticShape& block : shape.statics)
    if (block.features == 0) problems.push_back(fmt::format("block \"{}\" has no feature", block.name));
  for (const PanelShape& panel : shape.panels)
    if (panel.analytes == 0) problems.push_back(fmt::format("panel \"{}\" has no analyte", panel.name));
  if (shape.heads.empty()) problems.push_back("there is no head");
  for (const HeadShape& head : shape.heads) {
    if (HasBins(head.kind) != (head.bins > 0))
      problems.push_back(fmt::format("head \"{}\" has {} bins", head.name, head.bins));
    for (const std::string& hidden : head.hidden)
      if (!modalities.contains(hidden))
        problems.push_back(fmt::format("head \"{}\" hides \"{}\", which is no block of inputs", head.name, hidden));
  }
}

// Collects the tensors of one block after another.
class TensorList {
 public:
  explicit TensorList(ScalarType type) : type_(type) {}
  void Block(std::string name) { block_ = std::move(name); }
  void Add(std::string_view name, std::vector<std::uint64_t> shape, TensorRole role, double constant,
           double deviation) {
    tensors_.push_back({{fmt::format("{}/{}", block_, name), std::move(shape), type_}, role, constant, deviation});
  }
  void Normal(std::string_view name, std::vector<std::uint64_t> shape, double deviation) {
    Add(name, std::move(shape), TensorRole::kWeight, 0.0, deviation);
  }
  void Token(std::string_view name, std::vector<std::uint64_t> shape) {
    Add(name, std::move(shape), TensorRole::kPlain, 0.0, kTokenDeviation);
  }
  void Constant(std::string_view name, std::vector<std::uint64_t> shape, double value) {
    Add(name, std::move(shape), TensorRole::kPlain, value, 0.0);
  }
  void Zero(std::string_view name, std::vector<std::uint64_t> shape, TensorRole role) {
    Add(name, std::move(shape), role, 0.0, 0.0);
  }
  // weight [out, in] and bias [out].
  void Linear(const std::string& name, std::uint64_t out, std::uint64_t in, double deviation) {
    Normal(name + ".weight", {out, in}, deviation);
    Constant(name + ".bias", {out}, 0.0);
  }
  void Norm(const std::string& name, std::uint64_t channels, double weight = 1.0) {
    Constant(name + ".weight", {channels}, weight);
    Constant(name + ".bias", {channels}, 0.0);
  }
  std::vector<NetworkTensor> Take() && { return std::move(tensors_); }

  static constexpr double kTokenDeviation = 0.02;

 private:
  ScalarType type_;
  std::string block_;
  std::vector<NetworkTensor> tensors_;
};

double Kaiming(std::uint64_t inputs) { return std::sqrt(2.0 / static_cast<double>(inputs)); }
double FanIn(std::uint64_t inputs) { return std::sqrt(1.0 / static_cast<double>(inputs)); }

// Two layers from a description of something to its token, and the embedding of the kind of token.
void AddEncoder(TensorList& list, const NetworkSizes& sizes, std::uint64_t inputs) {
  list.Linear("in", sizes.hidden, inputs, Kaiming(inputs));
  list.Linear("out", sizes.width, sizes.hidden, FanIn(sizes.hidden));
  list.Token("kind", {sizes.width});
}

void AddConvolution(TensorList& list, const std::string& name, std::uint64_t out, std::uint64_t in,
                    std::uint64_t side) {
  const std::uint64_t cube = side * side * side;
  list.Normal(name + ".weight", {out, in, side, side, side}, Kaiming(in * cube));
}

void AddVolumeEncoder(TensorList& list, const NetworkShape& shape) {
  const NetworkSizes& sizes = shape.sizes;
  list.Block(shape.mri);
  std::uint64_t in = sizes.channels.front();
  AddConvolution(list, "stem", in, sizes.volume_channels, 3);
  list.Norm("stem.norm", in);
  for (std::size_t stage = 0; stage < sizes.channels.size(); ++stage) {
    const std::uint64_t out = sizes.channels[stage];
    const std::string name = fmt::format("stage{}", stage);
    AddConvolution(list, name + ".first", out, in, 3);
    list.Norm(name + ".first.norm", out);
    AddConvolution(list, name + ".second", out, out, 3);
    list.Norm(name + ".second.norm", out, 0.0);
    if (stage > 0) {
      AddConvolution(list, name + ".skip", out, in, 1);
      list.Norm(name + ".skip.norm", out);
    }
    in = out;
  }
  list.Linear("out", sizes.width, in, FanIn(in));
  list.Token("kind", {sizes.width});
  if (sizes.volume_channels == 2) list.Token("no_lesion", {sizes.width});  // added where no mask is given
  list.Constant(kLesionCentre, {kLesionFigures}, 0.0);
  list.Block(SequenceBlock(shape.mri));
  list.Token("table", {4, sizes.width});
  if (!shape.pretrains) return;
  list.Block(DecoderBlock(shape.mri));
  list.Linear("out", kPatchSide * kPatchSide * kPatchSide, in + sizes.width, FanIn(in + sizes.width));
}

void AddFusion(TensorList& list, const NetworkShape& shape) {
  constexpr double kDeviation = TensorList::kTokenDeviation;
  const std::uint64_t width = shape.sizes.width;
  list.Block(shape.fusion);
  list.Linear("time", width, kTimeFeatures, kDeviation);
  for (std::size_t layer = 0; layer < shape.sizes.layers; ++layer) {
    const std::string name = fmt::format("layer{}", layer);
    list.Norm(name + ".attention.norm", width);
    list.Linear(name + ".attention.in", 3 * width, width, kDeviation);
    list.Linear(name + ".attention.out", width, width, kDeviation);
    list.Constant(name + ".attention.scale", {width}, 0.1);
    list.Norm(name + ".forward.norm", width);
    list.Linear(name + ".forward.in", shape.sizes.feed_forward, width, kDeviation);
    list.Linear(name + ".forward.out", width, shape.sizes.feed_forward, kDeviation);
    list.Constant(name + ".forward.scale", {width}, 0.1);
  }
  list.Norm("norm", width);
}

void AddHead(TensorList& list, const NetworkShape& shape, const HeadShape& head) {
  const NetworkSizes& sizes = shape.sizes;
  const std::uint64_t outputs = OutputsOf(head.kind);
  list.Block(head.name);
  list.Token("query", {sizes.width});
  if (head.kind == HeadKind::kEmbedding) {
    list.Linear("embedding", sizes.embedding, sizes.width, FanIn(sizes.width));
    list.Zero("out.weight", {outputs, sizes.embedding}, TensorRole::kWeight);
  } else {
    list.Linear("hidden", sizes.hidden, sizes.width, Kaiming(sizes.width));
    list.Zero("out.weight", {outputs, sizes.hidden}, TensorRole::kWeight);
  }
  if (head.kind == HeadKind::kIllnessDeath) list.Zero("clock", {1}, TensorRole::kLinear);
  list.Zero("intercept", head.bins > 0 ? std::vector<std::uint64_t>{outputs, head.bins} : std::vector{outputs},
            TensorRole::kLinear);
  if (head.kind == HeadKind::kEmbedding) return;
  for (const StaticShape& block : shape.statics) {
    if (Hides(head, block.name)) continue;
    list.Block(LinearBlock(head.name, block.name));
    list.Zero("beta", {outputs, LinearInputs(shape, head, block)}, TensorRole::kLinear);
  }
  for (const PanelShape& panel : shape.panels) {
    if (Hides(head, panel.name)) continue;
    list.Block(LinearBlock(head.name, panel.name));
    list.Zero("beta", {outputs, LinearInputs(shape, head, panel)}, TensorRole::kLinear);
  }
  if (shape.mri.empty() || Hides(head, shape.mri)) return;
  list.Block(LinearBlock(head.name, shape.mri));
  list.Zero("beta", {outputs, LinearImageInputs(shape, head)}, TensorRole::kLinear);
}

std::vector<NetworkTensor> TensorsOf(const NetworkShape& shape, ScalarType type) {
  TensorList list(type);
  for (const StaticShape& block : shape.statics) {
    list.Block(block.name);
    AddEncoder(list, shape.sizes, 2 * block.features);  // values and what was measured
  }
  for (const PanelShape& panel : shape.panels) {
    list.Block(panel.name);
    AddEncoder(list, shape.sizes, 3);  // value, change, below detection
    list.Token("analytes", {panel.analytes, shape.sizes.width});
  }
  if (!shape.mri.empty()) AddVolumeEncoder(list, shape);
  for (const std::string& modality : ModalitiesOf(shape)) {
    list.Block(MissingBlock(modality));
    list.Token("token", {shape.sizes.width});
  }
  AddFusion(list, shape);
  for (const HeadShape& head : shape.heads) AddHead(list, shape, head);
  return std::move(list).Take();
}

}  // namespace

NetworkSizes NetworkSizes::Tiny() {
  return {.width = 64,
          .layers = 2,
          .attention_heads = 4,
          .feed_forward = 128,
          .hidden = 32,
          .embedding = 64,
          .volume_channels = 1,
          .channels = {8, 16, 32, 64}};
}

NetworkSizes NetworkSizes::Small() { return {}; }

NetworkSizes NetworkSizes::Base() {
  return {.width = 256,
          .layers = 6,
          .attention_heads = 4,
          .feed_forward = 1024,
          .hidden = 128,
          .embedding = 64,
          .volume_channels = 2,
          .channels = {32, 64, 128, 256, 384}};
}

std::size_t OutputsOf(HeadKind kind) {
  switch (kind) {
    case HeadKind::kIllnessDeath:
      return 3;
    case HeadKind::kMethylation:
      return 2;
    case HeadKind::kHazard:
    case HeadKind::kBinary:
    case HeadKind::kEmbedding:
      break;
  }
  return 1;
}

std::string MissingBlock(std::string_view modality) { return fmt::format("{}.missing", modality); }
std::string SequenceBlock(std::string_view mri) { return fmt::format("{}.sequences", mri); }
std::string LinearBlock(std::string_view head, std::string_view of) { return fmt::format("{}.{}", head, of); }
namespace {

// Values of the treatment that a head sees.
std::size_t TreatmentValues(const NetworkShape& shape, const HeadShape& head) {
  std::size_t values = 0;
  for (const StaticShape& block : shape.statics)
    if (block.treatment && !Hides(head, block.name)) values += block.features;
  return values;
}

}  // namespace

std::size_t LinearInputs(const NetworkShape& shape, const HeadShape& head, const StaticShape& block) {
  return block.treatment ? block.features : block.features * (1 + TreatmentValues(shape, head));
}
std::size_t LinearInputs(const NetworkShape& shape, const HeadShape& head, const PanelShape& panel) {
  return panel.analytes * (2 + TreatmentValues(shape, head));
}
std::size_t LinearImageInputs(const NetworkShape& shape, const HeadShape& head) {
  return kLesionInputs * (1 + TreatmentValues(shape, head));
}

std::string DecoderBlock(std::string_view mri) { return fmt::format("{}.decoder", mri); }
bool Hides(const HeadShape& head, std::string_view block) {
  return std::ranges::find(head.hidden, block) != head.hidden.end();
}

std::vector<std::string> NetworkBlocks(const NetworkShape& shape) {
  std::vector<std::string> blocks;
  for (const NetworkTensor& tensor : TensorsOf(shape, ScalarType::kFloat32))
    if (blocks.empty() || blocks.back() != tensor.spec.block()) blocks.emplace_back(tensor.spec.block());
  return blocks;
}

Result<std::vector<NetworkTensor>> NetworkTensors(const NetworkShape& shape, ScalarType type) {
  std::vector<std::string> problems;
  CheckSizes(shape.sizes, !shape.mri.empty(), shape.pretrains, problems);
  CheckBlocks(shape, problems);
  if (!problems.empty()) return Error{ErrorCode::kInvalidInput, fmt::format("network: {}", fmt::join(problems, "; "))};
  return TensorsOf(shape, type);
}

}  // namespace fedtrial
