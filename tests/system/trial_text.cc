#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/federation_fixture.h"

namespace fedtrial::system_test {

std::string PlanText(const TrialOptions& options) {
  std::string text = fmt::format(R"([trial]
id = "{}"
title = "Made-up patients"
seed = {}

[endpoint.os]
time = "outcome.os_day"
event = "outcome.os_event"
cuts = [120, 240, 360, 480, 600]

[cohort]
min_patients = {}

[[feature]]
name = "age_y"
from = "participants.age_y"
range = [0, 120]

[[feature]]
name = "marker"
from = "participants.marker"
range = [-5, 5]

[[block]]
name = "risk"
kind = "linear"
features = ["age_y", "marker"]

[network]
precision = "float64"

[[step]]
task = "normalise"

[[step]]
task = "grid"

[[step]]
task = "train"
block = "risk"
endpoint = "os"
rounds = {}
evaluate_every = {}
local = {{ optimizer = "sgd", steps = 2, rate = 0.3, ridge = 1 }}
server = {{ optimizer = "fedavg", rate = 1.0 }}

[rules]
sites = {}
min_sites = {}
threshold = {}
retry_after = "1s"
spare_rounds = 20
)",
                                 options.id, options.seed, options.min_patients, options.rounds, options.rounds,
                                 options.patients.size(), options.threshold, options.threshold);
  for (const char* phase : {"hello", "keys", "shares", "masked", "agree", "unmask"})
    text +=
        fmt::format("\n[rules.{}]\nmin_open = \"{}\"\nmax_open = \"{}\"\n", phase, options.min_open, options.max_open);
  return text + "\n[encoding]\nword_bits = 64\nclip = 8.0\npatient_cap = 64\n";
}

void WriteSiteTables(const std::filesystem::path& folder, unsigned site, unsigned patients) {
  std::mt19937 random(site + 1);  // its numbers are the same everywhere, unlike those of a distribution
  std::string participants = "participant_id\tage_y\tmarker\n";
  std::string outcome = "participant_id\tos_day\tos_event\n";
  for (unsigned i = 0; i < patients; ++i) {
    const auto age = 40 + random() % 40;
    const auto marker = random() % 400;
    const auto day = 30 + random() % (700 - 6 * (age - 40));
    participants += fmt::format("p{}-{}\t{}\t{:.2f}\n", site, i, age, static_cast<double>(marker) / 100.0 - 2.0);
    outcome += fmt::format("p{}-{}\t{}\t{}\n", site, i, day, random() % 4 == 0 ? 0 : 1);
  }
  std::filesystem::create_directories(folder / "phenotype");
  WriteText(folder / "participants.tsv", participants);
  WriteText(folder / "phenotype/outcome.tsv", outcome);
}

std::string SiteName(std::size_t site) { return std::string("site-") + static_cast<char>('a' + site); }

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

}  // namespace fedtrial::system_test
