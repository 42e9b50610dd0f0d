#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/doubles/toy.h"

// Lies with valid signatures: what a coordinator or a site can do with its own key.
namespace fedtrial::scenario {

// To whom, and with whose help.
inline constexpr SiteId kVictim{1}, kColluder{4};

using Lie = std::function<std::vector<Envelope>(doubles::Toy&, const simulation::Hop&)>;

// A federation in which `lie` decides what arrives.
inline std::unique_ptr<doubles::Toy> WithLies(const doubles::ToyPlan& plan, Lie lie, simulation::SimHooks hooks = {}) {
  auto holder = std::make_shared<doubles::Toy*>(nullptr);
  hooks.deliver = [holder, lie = std::move(lie)](const simulation::Hop& hop) { return lie(**holder, hop); };
  auto toy = std::make_unique<doubles::Toy>(plan, std::move(hooks));
  *holder = toy.get();
  return toy;
}

inline bool IsPhase(const Envelope& envelope, Phase phase) {
  return envelope.phase == static_cast<std::uint8_t>(phase);
}

inline Envelope Signed(const doubles::Toy& toy, Envelope envelope) {
  return SignEnvelope(toy.federation->key(envelope.sender), envelope.ctx, envelope.phase, envelope.sender,
                      envelope.receiver, envelope.sequence, std::move(envelope.body));
}

// The same envelope with another body, signed by its sender.
inline Envelope Resigned(const doubles::Toy& toy, Envelope envelope, Bytes body) {
  envelope.body = std::move(body);
  return Signed(toy, std::move(envelope));
}

template <typename Body, typename Change>
Envelope Changed(const doubles::Toy& toy, const Envelope& envelope, Change change) {
  Body body = Body::Decode(envelope.body).value();
  change(body);
  return Resigned(toy, envelope, body.Encode());
}

// Changes one forwarded envelope inside an opening; `sign`: its sender plays along.
template <typename Change>
void ChangeForwarded(const doubles::Toy& toy, PhaseOpenBody& body, SiteId sender, bool sign, Change change) {
  for (Bytes& encoded : body.envelopes) {
    Envelope envelope = DecodeEnvelope(encoded).value();
    if (envelope.sender != sender) continue;
    change(envelope);
    encoded = EncodeEnvelope(sign ? Signed(toy, std::move(envelope)) : envelope);
  }
}

// As an error, or, at a site, in the attempt that it then gave up.
inline bool Refused(const doubles::Toy& toy, SiteId actor, std::string_view why) {
  const auto& rejected = toy.federation->rejected();
  const auto& observed = toy.federation->observed_at_sites();
  return std::any_of(
             rejected.begin(), rejected.end(),
             [&](const auto& one) { return one.actor == actor && one.error.message.find(why) != std::string::npos; }) ||
         std::any_of(observed.begin(), observed.end(), [&](const auto& one) {
           return one.first == actor && one.second.kind == site::Observe::Kind::kRefused &&
                  one.second.detail.find(why) != std::string::npos;
         });
}

inline bool Saw(const doubles::Toy& toy, coordinator::Observe::Kind kind, SiteId site, std::string_view why) {
  const auto& observed = toy.federation->observed();
  return std::any_of(observed.begin(), observed.end(), [&](const auto& one) {
    return one.kind == kind && one.site == site && one.detail.find(why) != std::string::npos;
  });
}

// What a site sent in a phase of one attempt.
inline std::size_t Answers(const doubles::Toy& toy, SiteId site, Phase phase, const Digest& ctx) {
  const auto& sent = toy.federation->sent_by_sites();
  return static_cast<std::size_t>(std::count_if(sent.begin(), sent.end(), [&](const auto& one) {
    return one.first == site && IsPhase(one.second, phase) && one.second.ctx == ctx;
  }));
}

}  // namespace fedtrial::scenario
