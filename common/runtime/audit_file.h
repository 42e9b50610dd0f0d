#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/ids.h"
#include "common/base/result.h"
#include "common/runtime/files.h"
#include "security/audit/chain.h"

namespace fedtrial {

// The audit log of a state folder: `audit.jsonl`, one line of AuditChain an event, and beside it `audit-heads.jsonl`,
// the signed heads with the countersignatures that came back. Any thread, one call at a time.
class AuditFile {
 public:
  // Makes the file or verifies it whole, against its own signed heads too (kIntegrity names the first bad line). An
  // unfinished last line, left by a crash and promised to nobody, is taken off. Call it under the folder's lock.
  static Result<std::unique_ptr<AuditFile>> Open(const std::filesystem::path& folder, std::string actor,
                                                 std::string trial);

  // Durable when ok. On an error nothing was added and the next Append goes on from the same head.
  Status Append(std::string_view action, std::uint64_t round, const Digest& detail_hash);
  AuditHead head() const;

  // kEventsPerHead events have passed since the last signed head.
  bool HeadDue() const;
  // Signs and stores the present head.
  Result<SignedHead> Sign(const SigningKey& key);
  // Stores what a witness signed over one of ours; the caller has verified it.
  Status Countersigned(const SignedHead& head, SiteId witness, const Signature& countersignature);
  std::optional<SignedHead> last_signed() const;

 private:
  AuditFile(std::filesystem::path folder, std::string actor, std::string trial);
  Status Load();
  Status AppendLine(const std::filesystem::path& path, const Fd& fd, std::string_view line);

  const std::filesystem::path folder_;
  const std::string actor_;
  const std::string trial_;
  mutable std::mutex mutex_;
  AuditChain chain_;
  std::optional<SignedHead> last_signed_;
  Fd events_;
  Fd heads_;
};

struct AuditKeys {
  std::optional<VerifyKey> owner;         // whose log it is; without it signatures of heads aren't checked
  std::map<SiteId, VerifyKey> witnesses;  // countersignatures of others are passed over
  std::vector<AuditHead> anchors;         // heads kept elsewhere, by a witness say: show a cut or rewritten end
};

struct AuditReport {
  AuditHead head;
  std::uint64_t signed_up_to = 0;         // seq of the last head signed by the owner; 0: none
  std::uint64_t countersigned_up_to = 0;  // of the last one that a witness with a key given has countersigned
};

// For verify-audit: needs only the two files and public keys, changes nothing. kIntegrity names file and first bad
// line.
Result<AuditReport> VerifyAuditFile(const std::filesystem::path& folder, const AuditKeys& keys);

}  // namespace fedtrial
