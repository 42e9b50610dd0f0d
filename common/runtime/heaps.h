#pragma once

namespace fedtrial {

// Two heaps for all threads. glibc gives every thread one; gRPC's threads free what others have taken, so each heap
// grows and gives its pages back chunk by chunk, which doubles the time of an upload and keeps memory that nobody
// uses. Before the first thread starts.
void LimitHeaps();

// Gives what the heaps hold free between what is used back to the system; glibc itself gives back only their ends.
// Takes milliseconds: before a step that needs much memory, not in a loop. Any thread.
void ReturnFreeMemory();

}  // namespace fedtrial
