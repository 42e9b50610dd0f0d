#include "tests/bench/loopback.h"

#include <algorithm>
#include <ctime>

#include "common/runtime/files.h"
#include "proto/codec/rpc_status.h"
#include "tests/bench/round_parts.h"

namespace fedtrial::bench {
namespace {

void WriteCertified(const std::filesystem::path& folder, const std::string& name, const CertificateSpec& spec,
                    const SecretBuffer& ca_key, const std::string& ca) {
  const SecretBuffer key = Must(GenerateTlsKey());
  const std::string csr = Must(MakeCsr(key.view(), spec.common_name));
  Check(WriteWholeFile(folder / (name + ".key"), key.view()));
  Check(WriteWholeFile(folder / (name + ".crt"), AsBytes(Must(SignCsr(ca_key.view(), ca, csr, spec)))));
}

}  // namespace

void MakeCertificates(const std::filesystem::path& folder) {
  const std::time_t now = std::time(nullptr), from = now - 60, until = now + 24 * 3600;
  const SecretBuffer ca_key = Must(GenerateTlsKey());
  const std::string ca = Must(MakeCa(ca_key.view(), "bench", 1, from, until));
  Check(WriteWholeFile(folder / "ca.crt", AsBytes(ca)));
  WriteCertified(folder, "server", {CertificateUse::kServer, "server", 2, from, until, {}, {"127.0.0.1"}}, ca_key, ca);
  WriteCertified(folder, "site", {CertificateUse::kClient, "site", 3, from, until, {}, {}}, ca_key, ca);
}

TlsFiles ServerFiles(const std::filesystem::path& folder) {
  return {folder / "server.crt", folder / "server.key", folder / "ca.crt"};
}
TlsFiles SiteFiles(const std::filesystem::path& folder) {
  return {folder / "site.crt", folder / "site.key", folder / "ca.crt"};
}

BenchServer::BenchServer(const std::filesystem::path& folder, unsigned word_bits, std::uint64_t values,
                         unsigned threads)
    : paths_{folder / "state"},
      plan_(BenchPlan()),
      manifest_(BenchManifest(word_bits, values)),
      sealer_(Sealer::FromKey(SecretBytes<32>(), "bench", random_)),
      models_(paths_, sealer_) {
  for (const auto& made : {paths_.models(), paths_.server_states(), paths_.spools()}) Check(EnsurePrivateFolder(made));
  before_ = Must(models_.Write(BenchModel(values)));
  work_.emplace(plan_, paths_, models_, threads, [this](coordinator::Input input) {
    {
      const std::scoped_lock lock(mutex_);
      answer_ = std::move(input);
    }
    changed_.notify_all();
  });
  grpc::ServerBuilder builder;
  ConfigureServer(builder);
  builder.AddListeningPort("127.0.0.1:0", Must(ServerTls(ServerFiles(folder))), &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) Fail("no port can be had");
}

BenchServer::~BenchServer() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

void BenchServer::OpenRound() {
  ++round_.round;
  Check(work_->Open({round_, manifest_}));
}

void BenchServer::CloseRound() { work_->Close(round_); }

coordinator::StepFinished BenchServer::Finished(std::vector<SiteId> included, std::vector<MaskTerm> masks) {
  coordinator::FinishStep step;
  step.round = round_;
  step.task = BenchTask(plan_);
  step.manifest = manifest_;
  step.masks = std::move(masks);
  step.included = std::move(included);
  step.before = before_;
  {
    const std::scoped_lock lock(mutex_);
    answer_.reset();
  }
  work_->Finish(std::move(step));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return answer_.has_value(); });
  if (const auto* failed = std::get_if<coordinator::StepFailed>(&*answer_)) return {{}, {}, {}, false, failed->reason};
  return std::get<coordinator::StepFinished>(*answer_);
}

coordinator::StepFinished BenchServer::FinishRound(std::uint32_t uploads, std::vector<MaskTerm> masks) {
  std::vector<SiteId> included;
  for (std::uint32_t i = 1; i <= uploads; ++i) included.push_back(SiteId{i});
  coordinator::StepFinished finished = Finished(std::move(included), std::move(masks));
  if (finished.model == Digest{}) Fail(finished.result);
  return finished;
}

// A step of no sites is refused, after all that was queued before it.
void BenchServer::WaitForSum() { Finished({}, {}); }

grpc::Status BenchServer::UploadState(grpc::ServerContext*, const v1::UploadStateRequest* request,
                                      v1::UploadStateReply* reply) {
  const auto spool = work_->spool(round_);
  if (spool == nullptr) return ToGrpc(Error{ErrorCode::kWrongPhase, "no round is open"});
  const auto held = spool->State(SiteId{request->attempt()});
  if (!held.ok()) return ToGrpc(held.error());
  reply->set_offset(held->bytes);
  reply->set_stored(held->stored.has_value());
  return grpc::Status::OK;
}

grpc::Status BenchServer::Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadChunk>* reader,
                                 v1::UploadReply* reply) {
  return ToGrpc(Take(*reader, *reply));
}

Status BenchServer::Take(grpc::ServerReader<v1::UploadChunk>& reader, v1::UploadReply& reply) {
  slots_.acquire();
  const Status taken = TakeInTurn(reader, reply);
  slots_.release();
  return taken;
}

Status BenchServer::TakeInTurn(grpc::ServerReader<v1::UploadChunk>& reader, v1::UploadReply& reply) {
  v1::UploadChunk chunk;
  if (!reader.Read(&chunk)) return Error{ErrorCode::kInvalidInput, "no chunk came"};
  const SiteId site{chunk.attempt()};
  Digest digest{};
  if (chunk.digest().size() != digest.size()) return Error{ErrorCode::kInvalidInput, "no digest"};
  std::copy(chunk.digest().begin(), chunk.digest().end(), digest.begin());
  const auto spool = work_->spool(round_);
  if (spool == nullptr) return Error{ErrorCode::kWrongPhase, "no round is open"};
  ASSIGN_OR_RETURN(coordinator::IncomingUpload upload, spool->Receive(site));
  do {
    RETURN_IF_ERROR(upload.Append(AsBytes(chunk.data())));
  } while (reader.Read(&chunk));
  reply.set_offset(upload.offset());
  RETURN_IF_ERROR(spool->Store(site, std::move(upload), digest));
  work_->Add({round_, site, digest});
  reply.set_stored(true);
  return {};
}

grpc::Status BenchServer::Download(grpc::ServerContext*, const v1::DownloadRequest* request,
                                   grpc::ServerWriter<v1::DownloadChunk>* writer) {
  return ToGrpc(Give(*request, *writer));
}

Status BenchServer::Give(const v1::DownloadRequest& request, grpc::ServerWriter<v1::DownloadChunk>& writer) {
  Digest digest{};
  if (request.digest().size() != digest.size()) return Error{ErrorCode::kInvalidInput, "no digest"};
  std::copy(request.digest().begin(), request.digest().end(), digest.begin());
  ASSIGN_OR_RETURN(SealedReader reader, models_.Open(digest));
  v1::DownloadChunk chunk;
  chunk.set_total(reader.size());
  for (std::uint64_t offset = 0; offset < reader.size(); offset += chunk.data().size()) {
    std::string& data = *chunk.mutable_data();
    data.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kSealedRecordBytes, reader.size() - offset)));
    RETURN_IF_ERROR(reader.ReadAt(offset, {reinterpret_cast<std::uint8_t*>(data.data()), data.size()}));
    chunk.set_offset(offset);
    if (!writer.Write(chunk)) break;
  }
  return {};
}

std::unique_ptr<site::Link> DialAsSite(const std::string& address, const std::filesystem::path& folder,
                                       Random& random) {
  // Started never: uploads and downloads need no Follow.
  return Must(site::Link::Open(address, SiteFiles(folder), std::nullopt, Digest{}, random, {}));
}

}  // namespace fedtrial::bench
