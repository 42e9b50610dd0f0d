#include "site_node/archive/association.h"

#include <algorithm>
#include <cstring>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dimse.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "site_node/archive/dicom_object.h"
#include "site_node/archive/status_text.h"

namespace fedtrial::site {
namespace {

constexpr const char* kFindModel = UID_FINDStudyRootQueryRetrieveInformationModel;
constexpr const char* kGetModel = UID_GETStudyRootQueryRetrieveInformationModel;
constexpr const char* kImages[] = {UID_MRImageStorage, UID_EnhancedMRImageStorage};
// What the imaging room reads without loss.
constexpr const char* kImageSyntaxes[] = {
    UID_LittleEndianExplicitTransferSyntax, UID_LittleEndianImplicitTransferSyntax, UID_JPEGProcess14SV1TransferSyntax,
    UID_JPEGLSLosslessTransferSyntax,       UID_JPEG2000LosslessOnlyTransferSyntax, UID_RLELosslessTransferSyntax};
constexpr int kSliceSeconds = 2;  // of waiting, after which `stopped` is asked

template <std::size_t N>
void Copy(char (&to)[N], const std::string& from) {
  std::strncpy(to, from.c_str(), N - 1);
  to[N - 1] = '\0';
}

Status Propose(T_ASC_Parameters* parameters) {
  const char* plain[] = {UID_LittleEndianExplicitTransferSyntax, UID_LittleEndianImplicitTransferSyntax};
  T_ASC_PresentationContextID id = 1;  // odd numbers
  OFCondition done = EC_Normal;
  for (const char* model : {static_cast<const char*>(UID_VerificationSOPClass), kFindModel, kGetModel}) {
    if (done.good()) done = ASC_addPresentationContext(parameters, id, model, plain, 2);
    id = static_cast<T_ASC_PresentationContextID>(id + 2);
  }
  for (const char* image : kImages)
    for (const char* syntax : kImageSyntaxes) {
      if (done.good()) done = ASC_addPresentationContext(parameters, id, image, &syntax, 1, ASC_SC_ROLE_SCP);
      id = static_cast<T_ASC_PresentationContextID>(id + 2);
    }
  if (done.bad()) return Error{ErrorCode::kInternal, fmt::format("no association can be asked for: {}", done.text())};
  return {};
}

DcmDataset DataSetOf(const Identifier& keys) {
  DcmDataset data;
  for (const auto& [tag, value] : keys)
    data.putAndInsertString(DcmTag(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xffff)), value.c_str());
  return data;
}

// Plain TCP that waits for no acknowledgement: many small messages go to and fro, 90 ms an image otherwise.
class HastyLayer : public DcmTransportLayer {
 public:
  DcmTransportConnection* createConnection(DcmNativeSocketType open_socket, OFBool secure) override {
    socket_ = open_socket;
    Set(TCP_NODELAY);
    return DcmTransportLayer::createConnection(open_socket, secure);
  }
  // Nor lets the other side wait for ours: the kernel forgets this, so it is said before each wait.
  void Hurry() const { Set(TCP_QUICKACK); }

 private:
  void Set(int option) const {
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, option, &on, sizeof on);
  }

  DcmNativeSocketType socket_ = -1;
};

}  // namespace

struct Association::Connection {
  ArchiveConfig archive;
  std::function<bool()> stopped;
  HastyLayer layer;  // of the network, which goes first
  T_ASC_Network* network = nullptr;
  T_ASC_Association* association = nullptr;
  bool in_order = false;  // nothing of the archive is on its way
  T_ASC_PresentationContextID store_context = 0;
  T_DIMSE_C_StoreRQ store{};  // the last one

  ~Connection() {
    if (association != nullptr) {
      if (in_order)
        ASC_releaseAssociation(association);
      else
        ASC_abortAssociation(association);
      ASC_destroyAssociation(&association);
    }
    if (network != nullptr) ASC_dropNetwork(&network);
  }

  int seconds() const { return static_cast<int>(archive.timeout_seconds); }
  std::string Place() const { return fmt::format("archive {}:{}", archive.host, archive.port); }
  Error Lost(const OFCondition& why) const {
    return {ErrorCode::kUnavailable, fmt::format("{}: the connection was lost: {}", Place(), why.text())};
  }
  Error Silent() const {
    return {ErrorCode::kUnavailable, fmt::format("{}: no answer within {} s", Place(), seconds())};
  }

  Result<T_ASC_PresentationContextID> ContextOf(const char* model) const {
    const T_ASC_PresentationContextID id = ASC_findAcceptedPresentationContextID(association, model);
    if (id != 0) return id;
    return Error{ErrorCode::kInvalidInput, fmt::format("{}: it offers {} no {}", Place(), archive.own,
                                                       model == kGetModel ? "retrieval (C-GET of the study root)"
                                                                          : "query (C-FIND of the study root)")};
  }

  // Until something can be read, or the time is over.
  Status Wait() const {
    layer.Hurry();
    for (int waited = 0; waited < seconds(); waited += kSliceSeconds) {
      if (ASC_dataWaiting(association, kSliceSeconds)) return {};
      if (stopped && stopped()) return Error{ErrorCode::kUnavailable, "stopped"};
    }
    return Silent();
  }

  Status Send(const char* model, T_DIMSE_Message& message, const Identifier& keys) {
    ASSIGN_OR_RETURN(const T_ASC_PresentationContextID id, ContextOf(model));
    DcmDataset data = DataSetOf(keys);
    in_order = false;
    const OFCondition sent =
        DIMSE_sendMessageUsingMemoryData(association, id, &message, nullptr, &data, nullptr, nullptr);
    if (sent.bad()) return Lost(sent);
    return {};
  }

  Result<DUL_PDV> NextPiece() const {
    DUL_PDV piece;
    if (DUL_NextPDV(&association->DULassociation, &piece).good()) return piece;
    RETURN_IF_ERROR(Wait());
    const OFCondition read = DUL_ReadPDVs(&association->DULassociation, nullptr, DUL_NOBLOCK, seconds());
    if (read != DUL_PDATAPDUARRIVED) return Lost(read);
    const OFCondition next = DUL_NextPDV(&association->DULassociation, &piece);
    if (next.bad()) return Lost(next);
    return piece;
  }
};

namespace {

// kInvalidInput where another name would help, kUnavailable where another time would.
Error Refusal(const std::string& place, const ArchiveConfig& archive, T_ASC_Parameters* parameters,
              const OFCondition& why) {
  if (why != DUL_ASSOCIATIONREJECTED)
    return {ErrorCode::kUnavailable, fmt::format("{}: can't be reached: {}", place, why.text())};
  T_ASC_RejectParameters rejected{};
  ASC_getRejectParameters(parameters, &rejected);
  const auto refused = [&](const std::string& reason) {
    return Error{rejected.result == ASC_RESULT_REJECTEDTRANSIENT ? ErrorCode::kUnavailable : ErrorCode::kInvalidInput,
                 fmt::format("{}: it refuses the association: {}", place, reason)};
  };
  switch (rejected.reason) {
    case ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED:
      return refused(fmt::format("it isn't called {} (archive.called of site.toml)", archive.called));
    case ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED:
      return refused(fmt::format("it doesn't know {} (archive.own of site.toml): ask its administrator to let it in",
                                 archive.own));
    case ASC_REASON_SP_PRES_TEMPORARYCONGESTION:
    case ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED:
      return {ErrorCode::kUnavailable, fmt::format("{}: it has too many associations now", place)};
    default:
      return refused(
          fmt::format("it gives no reason; is it called {}, and does it know {}?", archive.called, archive.own));
  }
}

}  // namespace

Association::Association(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Association::~Association() = default;
void Association::Settled() { connection_->in_order = true; }

Result<std::unique_ptr<Association>> Association::Open(const ArchiveConfig& archive, std::function<bool()> stopped) {
  SilenceDicomLog();
  auto connection = std::make_unique<Connection>();
  connection->archive = archive;
  connection->stopped = std::move(stopped);
  const int seconds = connection->seconds();
  dcmConnectionTimeout.set(seconds);
  dcmSocketSendTimeout.set(seconds);
  dcmSocketReceiveTimeout.set(seconds);
  if (const OFCondition made = ASC_initializeNetwork(NET_REQUESTOR, 0, seconds, &connection->network); made.bad())
    return Error{ErrorCode::kUnavailable, fmt::format("the network can't be used: {}", made.text())};
  ASC_setTransportLayer(connection->network, &connection->layer, /*takeoverOwnership=*/0);
  T_ASC_Parameters* parameters = nullptr;
  if (const OFCondition made = ASC_createAssociationParameters(&parameters, ASC_MAXIMUMPDUSIZE); made.bad())
    return Error{ErrorCode::kInternal, made.text()};
  ASC_setAPTitles(parameters, archive.own.c_str(), archive.called.c_str(), nullptr);
  ASC_setTransportLayerType(parameters, OFFalse);
  ASC_setPresentationAddresses(parameters, archive.own.c_str(),
                               fmt::format("{}:{}", archive.host, archive.port).c_str());
  if (const Status proposed = Propose(parameters); !proposed.ok()) {
    ASC_destroyAssociationParameters(&parameters);
    return proposed.error();
  }
  const OFCondition asked = ASC_requestAssociation(connection->network, parameters, &connection->association, nullptr,
                                                   nullptr, DUL_NOBLOCK, seconds);
  if (asked.bad()) {
    const Error error = Refusal(connection->Place(), archive, parameters, asked);
    if (connection->association == nullptr) {
      ASC_destroyAssociationParameters(&parameters);
    } else {
      ASC_destroyAssociation(&connection->association);
    }
    return error;
  }
  connection->in_order = true;
  for (const char* model : {kFindModel, kGetModel})
    if (const auto context = connection->ContextOf(model); !context.ok()) return context.error();
  return std::unique_ptr<Association>(new Association(std::move(connection)));
}

Status Association::Echo() {
  Connection& c = *connection_;
  DIC_US status = 0;
  const OFCondition done =
      DIMSE_echoUser(c.association, c.association->nextMsgID++, DIMSE_NONBLOCKING, c.seconds(), &status, nullptr);
  if (done == DIMSE_NODATAAVAILABLE) return c.Silent();
  if (done.bad()) return c.Lost(done);
  if (status != 0)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{}: it refuses a verification (C-ECHO): {}", c.Place(), StatusText(status))};
  return {};
}

Status Association::SendFind(const Identifier& keys) {
  T_DIMSE_Message message;
  std::memset(static_cast<void*>(&message), 0, sizeof message);
  message.CommandField = DIMSE_C_FIND_RQ;
  T_DIMSE_C_FindRQ& find = message.msg.CFindRQ;
  find.MessageID = connection_->association->nextMsgID++;
  Copy(find.AffectedSOPClassUID, kFindModel);
  find.Priority = DIMSE_PRIORITY_MEDIUM;
  find.DataSetType = DIMSE_DATASET_PRESENT;
  return connection_->Send(kFindModel, message, keys);
}

Status Association::SendGet(const Identifier& keys) {
  T_DIMSE_Message message;
  std::memset(static_cast<void*>(&message), 0, sizeof message);
  message.CommandField = DIMSE_C_GET_RQ;
  T_DIMSE_C_GetRQ& get = message.msg.CGetRQ;
  get.MessageID = connection_->association->nextMsgID++;
  Copy(get.AffectedSOPClassUID, kGetModel);
  get.Priority = DIMSE_PRIORITY_MEDIUM;
  get.DataSetType = DIMSE_DATASET_PRESENT;
  return connection_->Send(kGetModel, message, keys);
}

Result<ArchiveMessage> Association::Receive() {
  Connection& c = *connection_;
  T_DIMSE_Message message;
  std::memset(static_cast<void*>(&message), 0, sizeof message);
  T_ASC_PresentationContextID id = 0;
  OFCondition got = DIMSE_NODATAAVAILABLE;
  c.layer.Hurry();
  for (int waited = 0; got == DIMSE_NODATAAVAILABLE; waited += kSliceSeconds) {
    if (waited >= c.seconds()) return c.Silent();
    if (c.stopped && c.stopped()) return Error{ErrorCode::kUnavailable, "stopped"};
    got = DIMSE_receiveCommand(c.association, DIMSE_NONBLOCKING, kSliceSeconds, &id, &message, nullptr);
  }
  if (got.bad()) return c.Lost(got);
  ArchiveMessage answer;
  switch (message.CommandField) {
    case DIMSE_C_FIND_RSP:
      answer.status = message.msg.CFindRSP.DimseStatus;
      answer.has_data = message.msg.CFindRSP.DataSetType != DIMSE_DATASET_NULL;
      return answer;
    case DIMSE_C_GET_RSP:
      answer.kind = ArchiveMessage::Kind::kGetAnswer;
      answer.status = message.msg.CGetRSP.DimseStatus;
      answer.has_data = message.msg.CGetRSP.DataSetType != DIMSE_DATASET_NULL;
      answer.completed = message.msg.CGetRSP.NumberOfCompletedSubOperations;
      answer.failed = message.msg.CGetRSP.NumberOfFailedSubOperations;
      return answer;
    case DIMSE_C_STORE_RQ:
      c.store = message.msg.CStoreRQ;
      c.store_context = id;
      answer.kind = ArchiveMessage::Kind::kStore;
      answer.has_data = c.store.DataSetType != DIMSE_DATASET_NULL;
      answer.sop_class = c.store.AffectedSOPClassUID;
      answer.sop_instance = c.store.AffectedSOPInstanceUID;
      return answer;
    default:
      return Error{ErrorCode::kUnavailable, fmt::format("{}: it sent a message that nobody asked for (command {:04x})",
                                                        c.Place(), static_cast<unsigned>(message.CommandField))};
  }
}

Result<Association::Data> Association::ReceiveData(std::size_t max_bytes) {
  Connection& c = *connection_;
  Data data;
  bool last = false;
  unsigned context = 0;
  while (!last) {
    ASSIGN_OR_RETURN(const DUL_PDV piece, c.NextPiece());
    if (piece.pdvType != DUL_DATASETPDV || (context != 0 && context != piece.presentationContextID))
      return Error{ErrorCode::kUnavailable, fmt::format("{}: it sent a command amid a data set", c.Place())};
    context = piece.presentationContextID;
    if (piece.fragmentLength > max_bytes - data.bytes.size())
      return Error{ErrorCode::kIntegrity, fmt::format("an object of more than {} bytes", max_bytes)};
    const auto* bytes = static_cast<const std::uint8_t*>(piece.data);
    data.bytes.insert(data.bytes.end(), bytes, bytes + piece.fragmentLength);
    last = piece.lastPDV != 0;
  }
  T_ASC_PresentationContext accepted;
  const OFCondition found = ASC_findAcceptedPresentationContext(
      c.association->params, static_cast<T_ASC_PresentationContextID>(context), &accepted);
  if (found.bad()) return c.Lost(found);
  data.transfer_syntax = accepted.acceptedTransferSyntax;
  return data;
}

Status Association::SayStored() {
  Connection& c = *connection_;
  T_DIMSE_C_StoreRSP answer{};
  answer.MessageIDBeingRespondedTo = c.store.MessageID;
  answer.DataSetType = DIMSE_DATASET_NULL;
  answer.DimseStatus = STATUS_STORE_Success;
  answer.opts = O_STORE_AFFECTEDSOPCLASSUID | O_STORE_AFFECTEDSOPINSTANCEUID;
  Copy(answer.AffectedSOPClassUID, c.store.AffectedSOPClassUID);
  Copy(answer.AffectedSOPInstanceUID, c.store.AffectedSOPInstanceUID);
  const OFCondition sent = DIMSE_sendStoreResponse(c.association, c.store_context, &c.store, &answer, nullptr);
  if (sent.bad()) return c.Lost(sent);
  return {};
}

}  // namespace fedtrial::site
