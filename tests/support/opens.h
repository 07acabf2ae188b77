#pragma once
#include <sys/inotify.h>
#include <unistd.h>

#include <string>

namespace yonder {

/// Counts how often a file is opened, by any process, from now on. Two simultaneous opens may count
/// as one.
class Opens {
 public:
  explicit Opens(const std::string& path) : events_(inotify_init1(IN_NONBLOCK)) {
    // Equal events in a row are merged, so a close event has to separate two opens.
    inotify_add_watch(events_, path.c_str(), IN_OPEN | IN_CLOSE);
  }
  ~Opens() { close(events_); }
  Opens(const Opens&) = delete;
  Opens& operator=(const Opens&) = delete;

  int count() {
    alignas(inotify_event) char bytes[4096];
    for (ssize_t n; (n = read(events_, bytes, sizeof bytes)) > 0;)
      for (const char* at = bytes; at < bytes + n;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        if (event->mask & IN_OPEN) ++count_;
        at += sizeof(inotify_event) + event->len;
      }
    return count_;
  }

 private:
  int events_, count_ = 0;
};

}  // namespace yonder
