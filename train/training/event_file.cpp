#include "train/training/event_file.h"

#include <unistd.h>

#include <fmt/core.h>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/io/files.h"

namespace yonder {
namespace {

// CRC-32C (Castagnoli): reflected polynomial 0x82F63B78.
std::uint32_t crc32c(const std::string& data) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> all{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      all[n] = n;
      for (int bit = 0; bit < 8; ++bit) all[n] = all[n] >> 1 ^ (all[n] & 1 ? 0x82F63B78u : 0);
    }
    return all;
  }();
  std::uint32_t crc = ~0u;
  for (const unsigned char c : data) crc = crc >> 8 ^ table[(crc ^ c) & 0xff];
  return ~crc;
}

template <class T>
std::string bits(T x) {
  return {reinterpret_cast<const char*>(&x), sizeof x};
}

std::string masked_crc(const std::string& data) {
  const std::uint32_t crc = crc32c(data);
  return bits((crc >> 15 | crc << 17) + 0xa282ead8u);
}

// Protocol buffer fields: number and type, then the value.
std::string varint(std::uint64_t x) {
  std::string text;
  for (; x >= 128; x >>= 7) text += char(0x80 | (x & 127));
  return text + char(x);
}
std::string bytes(int field, const std::string& data) {
  return varint(std::uint64_t(field << 3 | 2)) + varint(data.size()) + data;
}
std::string wall_time(double time) { return char(1 << 3 | 1) + bits(time); }

double now() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string event_record(const std::string& data) {
  const std::string length = bits(std::uint64_t(data.size()));
  return length + masked_crc(length) + data + masked_crc(data);
}

std::string version_event(double time) { return wall_time(time) + bytes(3, "brain.Event:2"); }

std::string scalars_event(double time, int step, const Scalars& scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars)
    summary += bytes(1, bytes(1, tag) + char(2 << 3 | 5) + bits(float(value)));
  return wall_time(time) + char(2 << 3) + varint(std::uint64_t(step)) + bytes(5, summary);
}

EventFile::EventFile(const std::string& folder) {
  char host[256] = "host";
  gethostname(host, sizeof host - 1);
  static std::atomic<int> files{0};  // of this process, which may begin several in a second
  path_ = fmt::format("{}/events.out.tfevents.{}.{}.{}.{}", folder, std::int64_t(now()), host,
                      getpid(), files++);
  records_ = event_record(version_event(now()));
}

void EventFile::add(int step, const Scalars& scalars) {
  records_ += event_record(scalars_event(now(), step, scalars));
}

void EventFile::flush() {
  // Cleared before the write, like the lines of metrics.jsonl.
  if (!records_.empty()) append_file(path_, std::exchange(records_, {}));
}

}  // namespace yonder
