#ifndef _INTERNAL_EVENT_MONITORING_H
#define _INTERNAL_EVENT_MONITORING_H

// What a process knows of its own event system, kept beside the structures that do the work.
//
// The public structures (EventCallBackStruct, EventChannelStruct, ...) are compiled into device servers and must keep
// their layout, and the lock that guards them is held during remote calls. So what QueryEventSystem tells is noted
// here when it happens. All locks of this module are leaves: no other lock is taken and nothing is called while one is
// held, and none is held while a reply is written. This file is not installed.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace Tango::event_monitoring
{

using Clock = std::chrono::steady_clock;

constexpr std::size_t MAX_SAMPLES = 256;
constexpr std::size_t MAX_SAMPLE_NAME = 31;

// ---- Sampling of times -------------------------------------------------------------------------------------------

namespace detail
{
// Odd while sampling is on. Every change of the switch makes another number, so that a thread can tell whether what it
// measured belongs to the present period of sampling.
extern std::atomic<std::uint32_t> sampling_period;
} // namespace detail

inline std::uint32_t sampling_period()
{
    return detail::sampling_period.load(std::memory_order_acquire);
}

inline bool is_on(std::uint32_t period)
{
    return (period & 1) != 0;
}

/// Switch sampling on or off, for what is sent and for what is received. Both ways all samples are forgotten.
void enable_sampling(bool on);

/// One call of ZmqEventSupplier::push_event().
struct PushSample
{
    std::optional<std::int64_t> micros_since_last_event;
    std::int64_t push_event_micros;
};

/// Times one push. Costs a branch while sampling is off.
class PushTimer
{
  public:
    PushTimer() :
        period(sampling_period())
    {
        if(is_on(period))
        {
            begin = Clock::now();
        }
    }

    /// The event has been handed over to ZMQ.
    void pushed()
    {
        if(is_on(period))
        {
            note();
        }
    }

  private:
    void note();

    std::uint32_t period;
    Clock::time_point begin;
};

/// One message on an event socket.
struct ReceptionSample
{
    std::array<char, MAX_SAMPLE_NAME + 1> attr_name{};
    std::optional<std::int64_t> micros_since_last_event;
    std::int64_t sleep_micros{0};
    std::int64_t process_micros{0};
    std::optional<std::int64_t> first_callback_latency_micros;
    std::uint32_t callback_count{0};
    std::uint32_t wake_count{0};
    bool discarded{true};
};

/// Times the consumer thread; every consumer thread has one (see reception()).
class Reception
{
  public:
    /// Around the wait for messages.
    void wait_begins();
    void woken();

    /// Around the processing of one message. It counts as discarded unless accepted() is called in between.
    void event_begins();
    void event_ends();

    /// The event is for a subscription of this process. Name of the attribute, without its device.
    void accepted(const std::string &attr_name);

    /// A callback is about to be called, or its queue to be filled.
    /// date: microseconds since 1970 given by the publisher, if the event has a value.
    void callback_begins(const std::optional<std::int64_t> &date);

  private:
    std::uint32_t period{0}; // to which sleep, wakes belong
    std::optional<Clock::time_point> wait_begin;
    Clock::duration sleep{0};
    std::uint32_t wakes{0};
    bool sampled{false}; // the event that is being processed
    Clock::time_point event_begin;
    ReceptionSample sample;
};

/// Of the calling thread.
Reception &reception();

/// Tells the Reception of the calling thread that it processes one message as long as this lives.
class EventScope
{
  public:
    EventScope()
    {
        reception().event_begins();
    }

    ~EventScope()
    {
        reception().event_ends();
    }

    EventScope(const EventScope &) = delete;
    EventScope &operator=(const EventScope &) = delete;
};

// ---- What this process has subscribed to -------------------------------------------------------------------------

struct TopicCounters
{
    std::uint32_t server_counter{0};
    std::uint32_t event_count{0};
    std::uint32_t missed_event_count{0};
    std::uint32_t discarded_event_count{0};
};

struct TopicState
{
    std::string channel_name;
    std::size_t callback_count{0};
    TopicCounters counters;
    std::optional<std::time_t> last_resubscribed;
};

struct NotConnected
{
    std::string device;
    std::string attribute;
    std::string event_type;
    std::time_t last_heartbeat;
    std::optional<std::string> tango_host;
};

void consumer_created();

void topic_added(const std::string &topic, const std::string &channel_name);
void topic_removed(const std::string &topic);
void topic_callbacks(const std::string &topic, std::size_t callback_count);
void topic_resubscribed(const std::string &topic, std::time_t date);

/// An event of this topic was received and is not a duplicate. gap: events before it are missing.
void event_received(const std::string &topic, std::uint32_t server_counter, bool gap);
void event_discarded(const std::string &topic);

void channel_connected(const std::string &channel_name, const std::string &endpoint);
void channel_removed(const std::string &channel_name);
/// A server came back under another name: its topics follow.
void channel_renamed(const std::string &old_name, const std::string &new_name);

void set_not_connected(std::vector<NotConnected> events);

// ---- Reply -------------------------------------------------------------------------------------------------------

using EventCounters = std::vector<std::pair<std::string, std::uint32_t>>;

/// The reply of QueryEventSystem; takes all samples. counters: of the ZMQ event supplier, if there is one.
std::string query(const std::optional<EventCounters> &counters);

} // namespace Tango::event_monitoring

#endif
