#include "model/nets/network.h"

#include <ATen/ATen.h>

#include "model/nets/volume_encoder.h"

namespace fedtrial {
namespace {

constexpr double kSmallestLength = 1e-8;  // of a vector that is scaled to length 1

at::Tensor Linear(const Scope& layer, const at::Tensor& x) { return at::linear(x, layer[".weight"], layer[".bias"]); }

}  // namespace

at::Tensor Network::EncodeVolumes(const at::Tensor& volumes, const at::Tensor& no_lesion) const {
  const Scope block = Block(shape_.mri);
  return VolumeToken(block, VolumeFeatures(block, shape_.sizes.channels.size(), volumes), no_lesion);
}

at::Tensor Network::LesionCentre() const { return Block(shape_.mri)[kLesionCentre]; }

at::Tensor Network::DecodeVolumes(const at::Tensor& volumes, const at::Tensor& no_lesion) const {
  constexpr auto kSide = static_cast<int64_t>(kPatchSide);
  const Scope block = Block(shape_.mri);
  const at::Tensor features = VolumeFeatures(block, shape_.sizes.channels.size(), volumes);
  const at::Tensor token = VolumeToken(block, features, no_lesion);  // [N, width]
  const int64_t count = features.size(0), z = features.size(2), y = features.size(3), x = features.size(4);
  const at::Tensor everywhere = token.view({count, token.size(1), 1, 1, 1}).expand({count, token.size(1), z, y, x});
  const at::Tensor places = at::cat({features, everywhere}, 1).permute({0, 2, 3, 4, 1});
  return Linear(Block(DecoderBlock(shape_.mri)).In("out"), places)
      .view({count, z, y, x, kSide, kSide, kSide})
      .permute({0, 1, 4, 2, 5, 3, 6})
      .reshape({count, 1, z * kSide, y * kSide, x * kSide});
}

at::Tensor Network::Timed(const at::Tensor& tokens, const at::Tensor& weeks) const {
  return tokens + Linear(Block(shape_.fusion).In("time"), TimeFeatures(weeks));
}

at::Tensor Network::Missing(std::string_view modality, int64_t batch) const {
  const at::Tensor& token = Block(MissingBlock(modality))["token"];
  return token.expand({batch, 1, token.size(0)});
}

at::Tensor Network::StaticToken(const StaticShape& block, const NetworkBatch::Statics& values) const {
  const Scope scope = Block(block.name);
  const at::Tensor inputs = at::cat({values.values, values.mask}, 1);
  const at::Tensor token = Linear(scope.In("out"), at::silu(Linear(scope.In("in"), inputs))) + scope["kind"];
  return values.present * token + (1.0 - values.present) * Block(MissingBlock(block.name))["token"];
}

// The last layer is linear, so it is applied to the sum over the measured analytes.
at::Tensor Network::PanelTokens(const PanelShape& panel, const NetworkBatch::Panel& values) const {
  const Scope scope = Block(panel.name);
  const at::Tensor hidden = at::silu(Linear(scope.In("in"), values.values));           // [B, V, A, hidden]
  const at::Tensor sum = at::matmul(values.measured.unsqueeze(2), hidden).squeeze(2);  // [B, V, hidden]
  const at::Tensor count = values.measured.sum(2, true);                               // [B, V, 1]
  const at::Tensor out = at::matmul(sum, scope["out.weight"].t()) + count * scope["out.bias"];
  const at::Tensor which = at::matmul(values.measured, scope["analytes"]);
  const at::Tensor tokens = (out + which) / at::sqrt(at::clamp_min(count, 1.0)) + scope["kind"];
  return at::cat({Timed(tokens, values.weeks), Missing(panel.name, tokens.size(0))}, 1);
}

at::Tensor Network::ImageTokens(const NetworkBatch::Images& images) const {
  const int64_t batch = images.weeks.size(0), visits = images.weeks.size(1);
  const int64_t width = images.embeddings.size(1);
  const at::Tensor placed = at::zeros({batch * visits, width}, images.embeddings.options())
                                .index_copy(0, images.place, images.embeddings)
                                .view({batch, visits, width});
  const at::Tensor sequence = Block(SequenceBlock(shape_.mri))["table"].index_select(0, images.sequence.flatten());
  const at::Tensor tokens = placed + sequence.view({batch, visits, width}) + Block(shape_.mri)["kind"];
  return at::cat({Timed(tokens, images.weeks), Missing(shape_.mri, batch)}, 1);
}

at::Tensor Network::Queries(const at::Tensor& landmark_weeks) const {
  std::vector<at::Tensor> queries;
  for (const HeadShape& head : shape_.heads) queries.push_back(Block(head.name)["query"]);
  const at::Tensor all = at::stack(queries, 0).unsqueeze(0);  // [1, H, width]
  return all + Linear(Block(shape_.fusion).In("time"), TimeFeatures(landmark_weeks));
}

at::Tensor Network::LinearSkip(std::size_t head, const NetworkBatch& batch) const {
  std::vector<std::string_view> seen;
  for (const StaticShape& block : shape_.statics) seen.push_back(block.name);
  for (const PanelShape& panel : shape_.panels) seen.push_back(panel.name);
  if (!shape_.mri.empty()) seen.push_back(shape_.mri);
  std::erase_if(seen, [&](std::string_view block) { return Hides(shape_.heads[head], block); });
  std::vector<at::Tensor> betas;
  for (const std::string_view block : seen) betas.push_back(Block(LinearBlock(shape_.heads[head].name, block))["beta"]);
  return betas.empty() ? at::Tensor() : at::matmul(batch.linear[head], at::cat(betas, 1).t());
}

HeadOutput Network::Answer(std::size_t which, const at::Tensor& state, const NetworkBatch& batch) const {
  const HeadShape& head = shape_.heads[which];
  const Scope scope = Block(head.name);
  HeadOutput output;
  if (head.kind == HeadKind::kEmbedding) {
    const at::Tensor vector = Linear(scope.In("embedding"), state);
    output.embedding = vector / at::clamp_min(vector.norm(2, 1, true), kSmallestLength);
    output.values = at::matmul(output.embedding, scope["out.weight"].t()) + scope["intercept"];
    return output;
  }
  at::Tensor risk = at::matmul(at::silu(Linear(scope.In("hidden"), state)), scope["out.weight"].t());  // [B, outputs]
  if (const at::Tensor linear = LinearSkip(which, batch); linear.defined()) risk = risk + linear;
  if (head.kind == HeadKind::kIllnessDeath) {
    output.values = risk.unsqueeze(2) + scope["intercept"];
    output.clock = scope["clock"];
  } else {
    output.values = risk + scope["intercept"];  // one output a bin: [B, 1] + [1, bins]
  }
  return output;
}

std::vector<HeadOutput> Network::Forward(const NetworkBatch& batch, const Dropout* dropout) const {
  std::vector<at::Tensor> tokens;
  for (std::size_t s = 0; s < shape_.statics.size(); ++s)
    tokens.push_back(StaticToken(shape_.statics[s], batch.statics[s]).unsqueeze(1));
  for (std::size_t p = 0; p < shape_.panels.size(); ++p)
    tokens.push_back(PanelTokens(shape_.panels[p], batch.panels[p]));
  if (!shape_.mri.empty()) tokens.push_back(ImageTokens(batch.images));
  tokens.push_back(Queries(batch.landmark_weeks));
  const at::Tensor mask = AttentionMask(batch.valid, batch.visible);
  const at::Tensor fused = Fuse(Block(shape_.fusion), shape_.sizes, at::cat(tokens, 1), mask, dropout);
  std::vector<HeadOutput> outputs;
  const int64_t first = batch.valid.size(1);
  for (std::size_t h = 0; h < shape_.heads.size(); ++h)
    outputs.push_back(Answer(h, fused.select(1, first + static_cast<int64_t>(h)), batch));
  return outputs;
}

}  // namespace fedtrial
