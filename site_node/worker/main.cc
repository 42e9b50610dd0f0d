#include <cstdio>
#include <string_view>
#include <unistd.h>

#include "site_node/worker/worker.h"

namespace {

constexpr char kHelp[] =
    "fedtrial-worker: loads patients, prepares scans, trains and predicts for fedtrial-site\n\n"
    "fedtrial-site starts it and speaks messages with it over stdin and stdout; it isn't started by hand.\n"
    "It opens no socket and holds no key. Its log goes to stderr.\n\n"
    "  --help     this text\n"
    "  --version  the version\n\n"
    "Exit status: 0 the requests ended, 1 the pipe broke, 2 wrong use.\n";

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") return std::fputs(kHelp, stdout) < 0;
  if (argc == 2 && std::string_view(argv[1]) == "--version") return std::puts("fedtrial-worker " FEDTRIAL_VERSION) < 0;
  if (argc > 1) {
    std::fprintf(stderr, "fedtrial-worker: unknown argument \"%s\", see --help\n", argv[1]);
    return 2;
  }
  if (isatty(STDIN_FILENO) != 0 || isatty(STDOUT_FILENO) != 0) {
    std::fputs("fedtrial-worker: started by hand: only fedtrial-site speaks its messages, see --help\n", stderr);
    return 2;
  }
  // Whatever a library prints on stdout goes to the log: nothing but messages is on the pipe.
  const int out = dup(STDOUT_FILENO);
  if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    std::perror("fedtrial-worker: stdout");
    return 1;
  }
  return fedtrial::site::RunWorker(STDIN_FILENO, out, /*own_process=*/true);
}
