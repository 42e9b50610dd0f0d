#include "tests/system/archive/orthanc.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace fedtrial::system_test {
namespace {

constexpr const char* kProgram = "/usr/sbin/Orthanc";

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

// Two ports that are free now.
std::pair<int, int> FreePorts() {
  int ports[2] = {0, 0}, sockets[2];
  for (int i = 0; i < 2; ++i) {
    sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof address;
    bind(sockets[i], reinterpret_cast<sockaddr*>(&address), size);
    getsockname(sockets[i], reinterpret_cast<sockaddr*>(&address), &size);
    ports[i] = ntohs(address.sin_port);
  }
  for (const int fd : sockets) close(fd);
  return {ports[0], ports[1]};
}

bool Listens(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool open = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return open;
}

}  // namespace

bool Orthanc::Installed() { return std::filesystem::exists(kProgram); }

Orthanc::Orthanc(const std::filesystem::path& folder) : folder_(folder) {
  std::tie(http_port_, dicom_port_) = FreePorts();
  std::filesystem::create_directories(folder_);
  const nlohmann::json config{{"Name", "test"},
                              {"StorageDirectory", (folder_ / "storage").string()},
                              {"IndexDirectory", (folder_ / "storage").string()},
                              {"SyncStorageArea", false},
                              {"Plugins", nlohmann::json::array()},
                              {"HttpPort", http_port_},
                              {"RemoteAccessAllowed", false},
                              {"AuthenticationEnabled", false},
                              {"DicomAet", "PACS"},
                              {"DicomPort", dicom_port_},
                              {"DicomCheckCalledAet", true},
                              {"DicomAlwaysAllowEcho", false},
                              {"DicomAlwaysAllowStore", false},
                              {"DicomAlwaysAllowFind", false},
                              {"DicomAlwaysAllowGet", false},
                              {"DicomModalities",
                               {{"site",
                                 {{"AET", "FEDTRIAL"},
                                  {"Host", "127.0.0.1"},
                                  {"Port", 104},
                                  {"AllowEcho", true},
                                  {"AllowFind", true},
                                  {"AllowGet", true},
                                  {"AllowStore", false},
                                  {"AllowMove", false}}}}}};
  WriteText(folder_ / "orthanc.json", config.dump(2));
  Start();
}

void Orthanc::Start() {
  const std::filesystem::path log = folder_ / "orthanc.log";
  process_ = Process({kProgram, (folder_ / "orthanc.json").string()},
                     {.out = log, .err = log, .folder = folder_, .environment = {}});
  const auto up = [&] { return !process_.running() || (Listens(http_port_) && Listens(dicom_port_)); };
  ASSERT_TRUE(Eventually(up) && process_.running()) << ReadText(log);
}

void Orthanc::Upload(const std::filesystem::path& below) const {
  httplib::Client client("127.0.0.1", http_port_);
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(below)) {
    if (!entry.is_regular_file()) continue;
    const auto answer = client.Post("/instances", ReadText(entry.path()), "application/dicom");
    ASSERT_TRUE(answer && answer->status == 200) << entry.path() << (answer ? answer->body : "");
  }
}

std::string Orthanc::Section() const {
  return fmt::format(
      "[archive]\nhost = \"127.0.0.1\"\nport = {}\ncalled = \"PACS\"\nown = \"FEDTRIAL\"\ntimeout = \"10s\"\n"
      "patients = \"patients.tsv\"\n",
      dicom_port_);
}

}  // namespace fedtrial::system_test
