#include "tests/simulation/federation.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "security/crypto/sha256.h"
#include "security/pki/revocation.h"
#include "security/pki/signed_bytes.h"
#include "tests/simulation/hosts.h"

namespace fedtrial::simulation {
namespace {

constexpr Duration kSettle = std::chrono::seconds(60);

}  // namespace

struct Federation::Inside : Wires {
  Inside(SimSettings given, SimHooks faults, Plan read)
      : settings(std::move(given)), hooks_(std::move(faults)), plan_(std::move(read)), random(settings.seed) {}

  EventQueue& events() override { return queue; }
  SimHooks& hooks() override { return hooks_; }
  const Plan& plan() override { return plan_; }
  unsigned threads() override { return settings.threads; }
  void FromSite(SiteId site, const Envelope& envelope) override;
  void FromCoordinator(SiteId site, const Envelope& envelope) override;
  void UploadFrom(SiteId site, RoundId round) override;
  void FetchFor(SiteId site, const Digest& digest) override;
  void Rejected(SiteId actor, Error error) override { rejections.push_back({actor, std::move(error)}); }
  void Broken(Status broken) override {
    if (status.ok()) status = std::move(broken);
  }
  void Crashed(SiteId actor) override {
    queue.After(hooks_.restart_after, [this, actor] { Restart(actor); });
  }

  void Post(SiteId site, const Envelope& envelope);
  void CatchUp(SiteId site);
  void Restart(SiteId actor);
  SiteHost& Host(SiteId site) { return *hosts.at(site); }
  void MakeKeys();
  void Approve(SiteId id);
  void SendLists(SiteId site);
  void Publish();

  SimSettings settings;
  SimHooks hooks_;
  Plan plan_;
  SeededRandom random;
  EventQueue queue;
  std::optional<SigningKey> consortium, coordinator_key;
  std::map<SiteId, SigningKey> keys;
  std::map<SiteId, std::unique_ptr<SiteHost>> hosts;
  std::unique_ptr<CoordinatorHost> coordinator;
  Roster roster;
  Bytes signed_roster, signed_revocations;
  RevocationList revocations;
  Status status;
  std::vector<Rejection> rejections;
  std::vector<std::pair<SiteId, Envelope>> sent;
  std::vector<std::pair<SiteId, site::Observe>> observed_at_sites;
  std::map<SiteId, Time> arrivals;  // of the latest message to each site
};

// --- transport -------------------------------------------------------------------------------------------------------

void Federation::Inside::FromSite(SiteId site, const Envelope& envelope) {
  SiteHost& host = Host(site);
  sent.emplace_back(site, envelope);
  if (!host.connected) return;
  host.traffic.sent_bytes += EncodeEnvelope(envelope).size();
  const Hop hop{true, site, envelope};
  const std::vector<Envelope> arriving = hooks_.deliver ? hooks_.deliver(hop) : std::vector<Envelope>{envelope};
  const Duration delay = hooks_.delay ? hooks_.delay(hop) : Duration::zero();
  for (const Envelope& one : arriving) {
    queue.After(delay, [this, site, one] {
      if (Host(site).connected) coordinator->Handle(coordinator::EnvelopeReceived{one});
    });
  }
}

void Federation::Inside::FromCoordinator(SiteId site, const Envelope& envelope) {
  if (site != kBroadcastId) return Post(site, envelope);
  for (const auto& [id, host] : hosts) Post(id, envelope);
}

void Federation::Inside::Post(SiteId site, const Envelope& envelope) {
  if (!hosts.contains(site) || !Host(site).connected) return;
  const Hop hop{false, site, envelope};
  const std::vector<Envelope> arriving = hooks_.deliver ? hooks_.deliver(hop) : std::vector<Envelope>{envelope};
  // One stream a site: what comes later doesn't overtake.
  Time& arrival = arrivals[site];
  arrival = std::max(arrival, queue.now() + (hooks_.delay ? hooks_.delay(hop) : Duration::zero()));
  for (const Envelope& one : arriving) {
    queue.At(arrival, [this, site, one] {
      SiteHost& host = Host(site);
      if (!host.connected) return;
      host.traffic.received_bytes += EncodeEnvelope(one).size();
      host.Handle(site::EnvelopeReceived{one});
    });
  }
}

void Federation::Inside::UploadFrom(SiteId site, RoundId round) {
  SiteHost& host = Host(site);
  const Words* words = host.Masked(round);
  if (words == nullptr || !host.connected || !coordinator->alive()) return;
  if (hooks_.upload_arrives && !hooks_.upload_arrives(site, round)) return;
  host.traffic.sent_bytes += WordBytes(*words).size();
  host.traffic.upload_bytes += WordBytes(*words).size();
  const std::uint64_t life = host.life();
  coordinator->Store(site, round, *words);
  if (coordinator->alive() && life == host.life()) host.Handle(site::UploadDone{round});
}

void Federation::Inside::FetchFor(SiteId site, const Digest& digest) {
  queue.After(Duration::zero(), [this, site, digest, life = Host(site).life()] {
    SiteHost& host = Host(site);
    const auto found = coordinator->disk().models.find(digest);
    if (life != host.life() || !host.connected || found == coordinator->disk().models.end()) return;
    host.traffic.received_bytes += coordinator->disk().model_bytes.at(digest);
    host.disk().models[digest] = found->second;
    host.Handle(site::ModelReady{digest, found->second.Header()});
  });
}

// The operator's command; repeated after a restart, it changes nothing if the roster is there.
void Federation::Inside::Publish() {
  if (coordinator->alive()) coordinator->Handle(coordinator::RosterPublished{signed_roster});
}

void Federation::Inside::SendLists(SiteId site) {
  Host(site).Handle(site::RosterReceived{signed_roster});
  if (!signed_revocations.empty()) Host(site).Handle(site::RevocationsReceived{signed_revocations});
}

void Federation::Inside::CatchUp(SiteId site) {
  if (!coordinator->alive() || !Host(site).alive() || !Host(site).connected) return;
  SendLists(site);
  for (const Envelope& envelope : coordinator->trial().CatchUp(site)) Post(site, envelope);
}

void Federation::Inside::Restart(SiteId actor) {
  if (actor != kCoordinatorId) {
    Host(actor).Start();
    Approve(actor);
    CatchUp(actor);
    return;
  }
  coordinator->Start();
  Publish();
  for (const auto& [id, host] : hosts) CatchUp(id);
}

// --- set-up ----------------------------------------------------------------------------------------------------------

void Federation::Inside::MakeKeys() {
  consortium = SigningKey::Generate(random);
  coordinator_key = SigningKey::Generate(random);
  roster.trial_id = plan_.trial_id;
  roster.version = 1;
  const auto row = [&](SiteId id, const SigningKey& key, std::uint8_t role) {
    RosterEntry entry;
    entry.row = {id, key.PublicKey(), Sha256(ByteWriter().Label("spki").U32(id.value).bytes()), role, false};
    entry.name = ToString(id);
    roster.entries.push_back(std::move(entry));
  };
  row(kCoordinatorId, *coordinator_key, kRoleCoordinator);
  std::sort(settings.sites.begin(), settings.sites.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (const SimSite& site : settings.sites) {
    const auto key = keys.emplace(site.id, SigningKey::Generate(random)).first;
    row(site.id, key->second, kRoleSite);
  }
}

// What a site's operator and its tables say whenever the daemon has started.
void Federation::Inside::Approve(SiteId id) {
  SiteHost& host = Host(id);
  if (host.alive() && host.site().approves && !host.participant().plan()) {
    const Signature plan_signature = SignPlan(*consortium, plan_.hash);
    const Approval approval =
        SignApproval(keys.at(id), {plan_.hash, "operator", "2024-01-01T00:00:00Z", "I approve this plan", {}});
    host.Handle(site::PlanApproved{
        ToBytes(AsBytes(settings.plan)), approval.Encode(), {plan_signature.begin(), plan_signature.end()}});
  }
  host.Handle(site::CohortRead{host.site().cohort});
  SendLists(id);
}

Federation::Federation() = default;
Federation::~Federation() = default;

Result<std::unique_ptr<Federation>> Federation::Make(SimSettings settings, SimHooks hooks) {
  ASSIGN_OR_RETURN(Plan plan, ParsePlan(settings.plan, "plan.toml"));
  if (settings.sites.size() < plan.rules.min_sites)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} sites, the plan wants at least {}", settings.sites.size(), plan.rules.min_sites)};
  std::unique_ptr<Federation> federation(new Federation);
  federation->inside_ = std::make_unique<Inside>(std::move(settings), std::move(hooks), std::move(plan));
  Inside& inside = *federation->inside_;
  inside.MakeKeys();
  ASSIGN_OR_RETURN(const SignedRoster signed_roster, SignRoster(*inside.consortium, inside.roster));
  inside.signed_roster = Pack(signed_roster);
  for (const SimSite& site : inside.settings.sites) {
    std::array<std::uint8_t, 8> seed{};
    inside.random.Fill(seed);
    inside.hosts.emplace(site.id,
                         std::make_unique<SiteHost>(inside, site, inside.plan_.trial_id, inside.keys.at(site.id),
                                                    inside.consortium->PublicKey(), ByteReader(seed).U64()));
  }
  inside.coordinator = std::make_unique<CoordinatorHost>(inside, inside.settings.coordinator, *inside.coordinator_key,
                                                         inside.consortium->PublicKey());
  for (const auto& [id, host] : inside.hosts) {
    host->Start();
    inside.Approve(id);
  }
  inside.coordinator->Start();
  inside.queue.After(Duration::zero(),
                     [&inside] { inside.coordinator->Handle(coordinator::RosterPublished{inside.signed_roster}); });
  return federation;
}

// --- running ---------------------------------------------------------------------------------------------------------

Status Federation::Run(std::function<bool()> until, Duration limit) {
  Time end = inside_->queue.now() + limit;
  bool ending = false;
  while (inside_->status.ok() && !(until && until()) && inside_->queue.NextIsBefore(end)) {
    inside_->queue.RunNext();
    if (ending || until || !finished()) continue;
    ending = true;  // what is on its way still arrives
    end = std::min(end, inside_->queue.now() + kSettle);
  }
  return inside_->status;
}

bool Federation::finished() const {
  if (!inside_->coordinator->alive()) return false;
  const auto state = trial().state();
  return state == coordinator::TrialState::kFinished || state == coordinator::TrialState::kClosed;
}

Time Federation::now() const { return inside_->queue.now(); }
void Federation::After(Duration delay, std::function<void()> run) { inside_->queue.After(delay, std::move(run)); }
void Federation::Disconnect(SiteId site) { inside_->Host(site).connected = false; }

void Federation::Connect(SiteId site) {
  inside_->Host(site).connected = true;
  inside_->CatchUp(site);
}

void Federation::Kill(SiteId actor) {
  if (actor == kCoordinatorId)
    inside_->coordinator->Kill();
  else
    inside_->Host(actor).Kill();
}

void Federation::Restart(SiteId actor) { inside_->Restart(actor); }

void Federation::Restore(SiteId actor, std::vector<Bytes> journal) {
  Kill(actor);
  Disk& disk = actor == kCoordinatorId ? inside_->coordinator->disk() : inside_->Host(actor).disk();
  disk.journal = std::move(journal);
  disk.compacted = std::min(disk.compacted, disk.journal.size());
  Restart(actor);
}

void Federation::Tell(SiteId site, const site::Input& input) { inside_->Host(site).Handle(input); }
void Federation::TellCoordinator(const coordinator::Input& input) { inside_->coordinator->Handle(input); }

void Federation::PublishRoster(Roster roster) {
  inside_->roster = std::move(roster);
  inside_->signed_roster = Pack(SignRoster(*inside_->consortium, inside_->roster).value());
  inside_->coordinator->Handle(coordinator::RosterPublished{inside_->signed_roster});
  for (const auto& [id, host] : inside_->hosts) inside_->SendLists(id);
}

void Federation::Revoke(const std::set<SiteId>& sites) {
  RevocationList& list = inside_->revocations;
  list.trial_id = inside_->plan_.trial_id;
  ++list.number;
  list.sites.insert(sites.begin(), sites.end());
  inside_->signed_revocations = Pack(SignRevocationList(*inside_->consortium, list));
  inside_->coordinator->Handle(coordinator::SiteRevoked{inside_->signed_revocations});
  for (const auto& [id, host] : inside_->hosts) inside_->SendLists(id);
}

const coordinator::Trial& Federation::trial() const { return inside_->coordinator->trial(); }
const site::Participant& Federation::participant(SiteId site) const { return inside_->Host(site).participant(); }
const Plan& Federation::plan() const { return inside_->plan_; }
const Roster& Federation::roster() const { return inside_->roster; }
const SigningKey& Federation::consortium() const { return *inside_->consortium; }
const SigningKey& Federation::key(SiteId actor) const {
  return actor == kCoordinatorId ? *inside_->coordinator_key : inside_->keys.at(actor);
}

Result<Model> Federation::model(const Digest& digest) const {
  const auto& models = inside_->coordinator->disk().models;
  const auto found = models.find(digest);
  if (found == models.end()) return Error{ErrorCode::kInvalidInput, fmt::format("no model {}", ToHex(digest))};
  return found->second;
}

Model Federation::latest_model() const {
  if (trial().links().empty()) return {};
  const auto found = model(trial().links().back().model);
  return found.ok() ? *found : Model{};
}

const std::vector<Bytes>& Federation::journal(SiteId actor) const {
  return actor == kCoordinatorId ? inside_->coordinator->disk().journal : inside_->Host(actor).disk().journal;
}

std::optional<Words> Federation::plain_words(SiteId site, std::uint64_t round) const {
  return inside_->Host(site).Plain(round);
}

const Federation::Traffic& Federation::traffic(SiteId site) const { return inside_->Host(site).traffic; }
const std::vector<Federation::Rejection>& Federation::rejected() const { return inside_->rejections; }
const std::vector<coordinator::Observe>& Federation::observed() const { return inside_->coordinator->observed; }
const std::vector<coordinator::Audit>& Federation::audit() const { return inside_->coordinator->audit; }
const std::vector<std::pair<SiteId, Envelope>>& Federation::sent_by_sites() const { return inside_->sent; }

const std::vector<std::pair<SiteId, site::Observe>>& Federation::observed_at_sites() const {
  auto& all = inside_->observed_at_sites;
  all.clear();
  for (const auto& [id, host] : inside_->hosts) {
    for (const site::Observe& one : host->observed) all.emplace_back(id, one);
  }
  return all;
}

}  // namespace fedtrial::simulation
