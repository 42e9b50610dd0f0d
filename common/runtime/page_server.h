#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/result.h"

namespace httplib {
class Server;
}

namespace fedtrial {

struct PageRequest {
  std::string path;
  std::vector<std::string> parts;            // what the route's groups matched
  std::map<std::string, std::string> query;  // of the address, or of a posted form
  std::string body;                          // at most 1 MiB
};

struct PageReply {
  int status = 200;
  std::string type = "text/html; charset=utf-8";
  std::string body;
};

struct PageRoute {
  enum class Method { kGet, kPost };
  Method method = Method::kGet;
  std::string pattern;                                   // a regular expression of the whole path: "/rounds/([0-9]+)"
  std::function<PageReply(const PageRequest&)> handler;  // runs on the server's threads, several at a time
};

// Pages for the people at this machine: HTTP on loopback, nothing else. A request whose Host is another name (DNS
// rebinding) or a post whose Origin is another page is refused; replies carry a policy that lets a page load only from
// this server, and nothing frame or cache it.
class PageServer {
 public:
  // host: "127.0.0.1", "::1" or "localhost", anything else is kInvalidInput. Port 0: any free one.
  // kUnavailable naming host and port if it is taken.
  static Result<std::unique_ptr<PageServer>> Start(const std::string& host, int port, std::vector<PageRoute> routes);
  ~PageServer();

  int port() const { return port_; }
  std::string address() const;  // "http://127.0.0.1:8080/"

 private:
  PageServer();

  std::unique_ptr<httplib::Server> server_;
  std::string host_;
  int port_ = 0;
  std::thread thread_;
};

// Text as it may stand inside an element or a quoted attribute.
std::string EscapeHtml(std::string_view text);

}  // namespace fedtrial
