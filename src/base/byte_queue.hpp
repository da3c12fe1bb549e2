#pragma once
// A bounded queue of byte records from one thread to another, without lock, wait or allocation. A record that does not fit is refused, so
// whoever produces never waits for a disk.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace lodestone {

/// push() belongs to one thread, pop() to another.
class ByteQueue {
 public:
  /// `capacity` in bytes, rounded up to a power of two.
  explicit ByteQueue(std::size_t capacity)
      : capacity_(std::bit_ceil(capacity)), bytes_(std::make_unique_for_overwrite<char[]>(capacity_)) {}

  /// False, and counted, when there is no room.
  bool push(std::string_view record) {
    const std::uint64_t end = end_.load(std::memory_order_relaxed);
    const std::size_t needed = record.size() + sizeof(std::uint32_t);
    if (needed > capacity_ - (end - begin_.load(std::memory_order_acquire))) {
      n_refused_.store(n_refused_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
    const auto size = static_cast<std::uint32_t>(record.size());
    write(end, reinterpret_cast<const char*>(&size), sizeof size);
    write(end + sizeof size, record.data(), record.size());
    end_.store(end + needed, std::memory_order_release);
    return true;
  }

  /// Takes the oldest record into `record`; false when there is none.
  bool pop(std::string& record) {
    const std::uint64_t begin = begin_.load(std::memory_order_relaxed);
    if (begin == end_.load(std::memory_order_acquire)) return false;
    std::uint32_t size = 0;
    read(begin, reinterpret_cast<char*>(&size), sizeof size);
    record.resize(size);
    read(begin + sizeof size, record.data(), size);
    begin_.store(begin + sizeof size + size, std::memory_order_release);
    return true;
  }

  /// Records refused so far. Any thread.
  [[nodiscard]] std::uint64_t n_refused() const { return n_refused_.load(std::memory_order_relaxed); }

 private:
  void write(std::uint64_t at, const char* from, std::size_t n) {
    const std::size_t place = at & (capacity_ - 1);
    const std::size_t first = std::min(n, capacity_ - place);
    std::memcpy(bytes_.get() + place, from, first);
    std::memcpy(bytes_.get(), from + first, n - first);
  }
  void read(std::uint64_t at, char* to, std::size_t n) const {
    const std::size_t place = at & (capacity_ - 1);
    const std::size_t first = std::min(n, capacity_ - place);
    std::memcpy(to, bytes_.get() + place, first);
    std::memcpy(to + first, bytes_.get(), n - first);
  }

  const std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  // Bytes that were ever written and read; each on a cache line of its own, as two threads write them.
  alignas(64) std::atomic<std::uint64_t> end_{0};
  std::atomic<std::uint64_t> n_refused_{0};
  alignas(64) std::atomic<std::uint64_t> begin_{0};
};

}  // namespace lodestone
