#pragma once

#include <functional>
#include <string>

#include "coordinator/shell/node.h"

namespace fedtrial::coordinator {

// What the commands ask of a trial: of the running daemon through control.sock, on its driver's thread, or of the
// folder itself where none runs.
struct ControlContext {
  Node& node;
  std::function<Status(const Input&)> apply;
  std::function<void()> enrolment_changed;  // a roster, list or certificate has come
  std::string address;                      // as sites dial it, for enrolment files
};

// Commands and their JSON arguments:
//   trial {}                              consortium, roster_version, roster, revocations (packed, hex)
//   enrol-token {name}                    an EnrolmentFile
//   request {fingerprint}                 a CertificateRequest
//   certificate {fingerprint, pem}        certificate of a site, or of this coordinator itself
//   publish-roster {roster}, publish-revocations {list}     packed, hex
//   pause {reason}, resume {}, close {reason}
Result<std::string> AnswerControl(const ControlContext& context, const std::string& command, const std::string& json);

// Asks the daemon; if none runs, locks and opens the folder and does it here. What a round needs beyond the journal (a
// message, a timer) is then made by the next `run`.
Result<std::string> AskTrial(const std::filesystem::path& state, const std::string& command, const std::string& json);

}  // namespace fedtrial::coordinator
