#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/runtime/enrolment_file.h"
#include "model/params/fixed_point.h"
#include "proto/fedtrial/v1/federation.grpc.pb.h"
#include "security/crypto/system_random.h"
#include "site_node/core/participant.h"
#include "site_node/shell/link.h"

namespace fedtrial::system_test {

// A site whose core and connection are the real ones, but whose patients are numbers out of the air that the real tasks
// accept: no worker, no data folder. It lives in the test's process and keeps its journal in memory.
class FakeSite {
 public:
  FakeSite(const std::filesystem::path& folder, EnrolmentFile file);
  ~FakeSite();

  Status Enrol();    // sends the request; `fingerprint` is known from then on
  Status Collect();  // waits for certificate, roster and plan; approves the plan
  void Start();      // connects; again after Crash
  void Crash();      // everything but journal and keys is gone
  // Keeps its messages of this phase back until LetGo: with everybody needed the phase stays open.
  void Hold(Phase phase);
  void HoldNext(Phase phase);  // lets go, but for this phase
  void LetGo();

  const std::string& fingerprint() const { return fingerprint_; }
  const std::string& name() const { return file_.site_name; }
  SiteId id() const { return id_; }
  std::vector<std::string> problems() const;  // what was refused, ours or theirs
  bool approved = true;
  std::uint64_t patients = 20;

 private:
  void Post(site::Input input);
  void Loop();
  void CarryOut(site::Effects effects);
  void Send(Envelope envelope);
  void Problem(const std::string& text);
  std::unique_ptr<v1::Federation::Stub> DialWithoutCertificate() const;
  CohortSummary Cohort() const;
  Contribution Answer(const Task& task, const Manifest& manifest) const;
  void Run(const site::RunTask& run);
  void Mask(site::MaskContribution& mask);
  void Upload(const site::Upload& upload);
  void Fetch(const Digest& digest);

  const std::filesystem::path folder_;
  const EnrolmentFile file_;
  SystemRandom random_;
  SecretBuffer tls_key_;
  SigningKey signing_;
  std::string fingerprint_;
  SiteId id_;
  Bytes roster_, plan_signature_;
  std::string plan_;
  std::optional<Digest> coordinator_spki_;
  std::vector<Bytes> journal_;
  std::map<std::uint64_t, Contribution> contributions_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<site::Input> queue_;
  bool stopping_ = false;
  Phase held_phase_ = Phase::kFailed;  // none
  std::vector<Envelope> held_;
  std::vector<std::string> problems_;
  std::optional<site::Participant> participant_;
  std::unique_ptr<site::Link> link_;
  std::thread thread_;
};

}  // namespace fedtrial::system_test
