#pragma once

#include "coordinator/shell/node.h"

namespace fedtrial::coordinator {

struct Heads {
  Bytes head;           // the sender's own
  Bytes countersigned;  // the other's as last seen; may be empty
};
// Cross-anchoring with one site (SECURITY.md, "Audit log"): its head is checked against the one seen before, kept and
// countersigned; its countersignature over ours is stored beside our log. On the driver's thread.
Result<Heads> ExchangeHeads(Node& node, SiteId site, const VerifyKey& site_key, const Heads& theirs);

}  // namespace fedtrial::coordinator
