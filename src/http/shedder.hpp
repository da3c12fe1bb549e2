#pragma once
// Decides which requests a thread refuses when more come than it can answer in time. What it watches is CoDel's (Nichols and
// Jacobson, 2012): the smallest delay of an interval, which a burst leaves small and a standing queue does not. What it does is
// ours: the way in which delays change tells how much more comes than is dealt with, and from that follows the share that must
// be refused, no more.

#include <algorithm>
#include <chrono>

namespace lodestone::http {

/// One thread. Knows no clock: times are given.
class Shedder {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  /// `target`: the delay that is put up with; 0 = never sheds. Smaller refuses more of a burst, larger lets those wait who are
  /// answered.
  explicit Shedder(Duration target = {}) : target_(target) {}

  /// Begins anew: nobody has waited until now.
  void restart(Time now) {
    begin_interval(now);
    last_delay_ = {};
  }

  /// Something that was ready came to its turn at `now`, `delay` later. It was not ready before the one noted last had its turn.
  void note(Time now, Duration delay) {
    smallest_ = std::min(smallest_, delay);
    ++n_delays_;
    // One delay alone may be a machine that slept.
    if (now - begin_ < kInterval || n_delays_ < kLeastDelays) return;
    adjust(now - begin_, delay);
    last_delay_ = delay;
    begin_interval(now);
  }

  [[nodiscard]] bool is_shedding() const { return share_ > 0; }
  /// Share of the requests that is refused, in [0, kMostShare].
  [[nodiscard]] double share() const { return share_; }

  /// Whether the request at hand is to be refused. The refused ones are spread evenly.
  bool take() {
    due_ += share_;
    if (due_ < 1) return false;
    due_ -= 1;
    return true;
  }

  static constexpr std::chrono::milliseconds kInterval{100};  ///< CoDel's
  static constexpr double kMostShare =
      0.9;  ///< larger, and a thread would do little but refuse those who do not wait before they retry

 private:
  static constexpr int kLeastDelays = 2;
  static constexpr double kRefusalCost = 0.2;    ///< of an answer's
  static constexpr double kReturnSeconds = 0.3;  ///< in which the delay is to be back at the target; smaller swings
  static constexpr double kDecay =
      0.75;  ///< of the share while nobody waits, which says that it is too large but not by how much
  static constexpr double kLeastShare = 0.01;

  void begin_interval(Time now) {
    begin_ = now;
    smallest_ = Duration::max();
    n_delays_ = 0;
  }

  void adjust(Duration elapsed, Duration delay) {
    if (share_ == 0 && smallest_ <= target_) return;
    if (smallest_ < target_ / 4) {
      share_ *= kDecay;
    } else {
      // What came in `elapsed` - (delay - last) took `elapsed` to deal with, refusals included.
      const double load = seconds(elapsed) / seconds(elapsed - (delay - last_delay_)) / (1 - share_ * (1 - kRefusalCost));
      const double back_in = std::max(kReturnSeconds, 5 * seconds(target_));
      const double wanted = 1 / (1 + seconds(smallest_ - target_) / back_in);
      share_ = (1 - wanted / load) / (1 - kRefusalCost);
    }
    share_ = share_ < kLeastShare ? 0 : std::min(share_, kMostShare);
  }
  static double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

  Duration target_;
  Time begin_;
  Duration smallest_ = Duration::max();
  int n_delays_ = 0;
  Duration last_delay_{};  ///< that ended the interval before
  double share_ = 0;
  double due_ = 0;
};

}  // namespace lodestone::http
