#pragma once

namespace fedtrial::site {

// Answers requests of proto/fedtrial/v1/worker.proto from `in_fd` on `out_fd`, one at a time, until the other end
// closes its side. A request that can't be met, or makes no sense, gets Failed and the next one is read. If the other
// end closes `in_fd` while a task runs, the task is given up. Gives the exit status: 0 at the end of the requests, 1 if
// the pipe broke or held something else than messages. A visit that is being prepared can't be given up: with
// `own_process` the process ends with its daemon.
int RunWorker(int in_fd, int out_fd, bool own_process = false);

}  // namespace fedtrial::site
