#include "coordinator/core/hello.h"

#include <algorithm>
#include <fmt/format.h>

namespace fedtrial::coordinator {
namespace {

constexpr std::size_t kMaxReason = 300;  // bytes of a decline that are kept
constexpr std::uint32_t kProtocol = 1;

}  // namespace

Status HelloPhase::Accept(const Envelope& envelope) {
  if (envelope.receiver != kBroadcastId) return Error{ErrorCode::kInvalidInput, "a Hello that isn't for all sites"};
  ASSIGN_OR_RETURN(HelloBody body, HelloBody::Decode(envelope.body));
  if (body.protocol != kProtocol)
    return Error{ErrorCode::kInvalidInput, fmt::format("speaks protocol {}, wanted {}", body.protocol, kProtocol)};
  if (body.declines) {
    declined_[envelope.sender] = body.reason.substr(0, kMaxReason);
    return {};
  }
  if (body.blocks.size() != terms_->blocks.size())
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("declares {} blocks, the manifest has {}", body.blocks.size(), terms_->blocks.size())};
  envelopes_[envelope.sender] = EncodeEnvelope(envelope);
  hellos_[envelope.sender] = std::move(body);
  return {};
}

std::vector<Bytes> HelloPhase::Envelopes(const std::set<SiteId>& of) const {
  std::vector<Bytes> envelopes;
  for (const SiteId site : of) envelopes.push_back(envelopes_.at(site));
  return envelopes;
}

std::size_t HelloPhase::Declared(std::size_t block, const std::set<SiteId>& of) const {
  return static_cast<std::size_t>(
      std::count_if(of.begin(), of.end(), [&](SiteId site) { return hellos_.at(site).blocks[block]; }));
}

}  // namespace fedtrial::coordinator
