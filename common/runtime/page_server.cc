#include "common/runtime/page_server.h"

#include <algorithm>
#include <array>
#include <exception>
#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include "common/runtime/log.h"

namespace fedtrial {
namespace {

constexpr std::size_t kMaxBody = 1024 * 1024;
constexpr std::size_t kThreads = 4;
constexpr time_t kTimeoutSeconds = 10;

constexpr char kContentPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const httplib::Headers& SafeHeaders() {
  static const httplib::Headers headers{{"Content-Security-Policy", kContentPolicy},
                                        {"X-Content-Type-Options", "nosniff"},
                                        {"X-Frame-Options", "DENY"},
                                        {"Referrer-Policy", "no-referrer"},
                                        {"Cross-Origin-Resource-Policy", "same-origin"},
                                        {"Cache-Control", "no-store"}};
  return headers;
}

bool IsLoopback(const std::string& host) { return host == "127.0.0.1" || host == "::1" || host == "localhost"; }

// Names under which this machine's own browser may ask.
std::array<std::string, 3> Authorities(int port) {
  return {fmt::format("127.0.0.1:{}", port), fmt::format("localhost:{}", port), fmt::format("[::1]:{}", port)};
}

// The reason to turn a request away, or nothing.
std::string Objection(const httplib::Request& request, int port) {
  const auto names = Authorities(port);
  const auto is_own = [&](std::string_view prefix, const std::string& value) {
    return std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return value == std::string(prefix) + name; });
  };
  if (!is_own("", request.get_header_value("Host"))) return "this page is asked for under a foreign name";
  if (request.method == "POST" && !is_own("http://", request.get_header_value("Origin")))
    return "this form was not sent from a page of this server";
  return "";
}

PageRequest FromHttp(const httplib::Request& http) {
  PageRequest request;
  request.path = http.path;
  for (std::size_t i = 1; i < http.matches.size(); ++i) request.parts.push_back(http.matches[i].str());
  for (const auto& [name, value] : http.params) request.query.emplace(name, value);
  request.body = http.body;
  return request;
}

void AddRoute(httplib::Server& server, const PageRoute& route) {
  const auto handle = [handler = route.handler](const httplib::Request& http, httplib::Response& response) {
    const PageReply reply = handler(FromHttp(http));
    response.status = reply.status;
    response.set_content(reply.body, reply.type);
  };
  if (route.method == PageRoute::Method::kGet)
    server.Get(route.pattern, handle);
  else
    server.Post(route.pattern, handle);
}

// httplib's own options let a second process listen on the same port.
void SocketOptions(socket_t socket) {
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

void Configure(httplib::Server& server, const int& port) {
  server.set_socket_options(SocketOptions);
  server.set_default_headers(SafeHeaders());
  server.set_payload_max_length(kMaxBody);
  server.set_read_timeout(kTimeoutSeconds, 0);
  server.set_write_timeout(kTimeoutSeconds, 0);
  // An open page must not hold a thread, nor the end of the daemon.
  server.set_keep_alive_max_count(1);
  server.set_keep_alive_timeout(1);
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server.set_pre_routing_handler([&port](const httplib::Request& request, httplib::Response& response) {
    const std::string objection = Objection(request, port);
    if (objection.empty()) return httplib::Server::HandlerResponse::Unhandled;
    response.status = 403;
    response.set_content(objection + "\n", "text/plain");
    return httplib::Server::HandlerResponse::Handled;
  });
  server.set_exception_handler([](const httplib::Request& request, httplib::Response& response, std::exception_ptr) {
    LogError("page failed", {{"path", request.path}});
    response.status = 500;
    response.set_content("this page could not be made; the log says when\n", "text/plain");
  });
}

}  // namespace

PageServer::PageServer() : server_(std::make_unique<httplib::Server>()) {}

PageServer::~PageServer() {
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<PageServer>> PageServer::Start(const std::string& host, int port,
                                                      std::vector<PageRoute> routes) {
  if (!IsLoopback(host))
    return Error{
        ErrorCode::kInvalidInput,
        fmt::format("pages are served on this machine alone: host {}, wanted 127.0.0.1, ::1 or localhost", host)};
  if (port < 0 || port > 65535)
    return Error{ErrorCode::kInvalidInput, fmt::format("port {} is not within 0 and 65535", port)};
  std::unique_ptr<PageServer> pages(new PageServer());
  pages->host_ = host;
  Configure(*pages->server_, pages->port_);
  try {
    for (const PageRoute& route : routes) AddRoute(*pages->server_, route);
  } catch (const std::exception& problem) {
    return Error{ErrorCode::kInternal, fmt::format("a page's address is no pattern: {}", problem.what())};
  }
  if (port == 0)
    pages->port_ = pages->server_->bind_to_any_port(host);
  else
    pages->port_ = pages->server_->bind_to_port(host, port) ? port : -1;
  if (pages->port_ <= 0)
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot listen on {} port {}: is another program using it?", host, port)};
  pages->thread_ = std::thread([server = pages->server_.get()] { server->listen_after_bind(); });
  while (!pages->server_->is_running()) std::this_thread::yield();  // stop() before that would be lost
  return pages;
}

std::string PageServer::address() const {
  return host_ == "::1" ? fmt::format("http://[::1]:{}/", port_) : fmt::format("http://{}:{}/", host_, port_);
}

std::string EscapeHtml(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

}  // namespace fedtrial
