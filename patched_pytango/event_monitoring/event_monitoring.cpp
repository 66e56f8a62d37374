// The same for every series. What differs is where cppTango has its headers: before 10.0 in no folder of their own.
#if __has_include(<tango/internal/event_monitoring.h>)
#include <tango/internal/event_monitoring.h>
#else
#include <event_monitoring.h>
#endif

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace Tango::event_monitoring
{

namespace
{

std::int64_t micros(Clock::duration duration)
{
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// The newest MAX_SAMPLES samples, and when the last one began.
template <typename Sample>
class SampleRing
{
  public:
    void put(Sample sample, Clock::time_point begin, std::uint32_t period)
    {
        std::lock_guard<std::mutex> guard(mutex);
        if(period != current_period)
        {
            return; // sampling was switched meanwhile
        }
        if(last_begin)
        {
            sample.micros_since_last_event = micros(begin - *last_begin);
        }
        last_begin = begin;
        samples[(first + size) % MAX_SAMPLES] = sample;
        if(size < MAX_SAMPLES)
        {
            size++;
        }
        else
        {
            first = (first + 1) % MAX_SAMPLES;
        }
    }

    // room must have been made before, so that nothing is allocated while the lock is held
    void take(std::vector<Sample> &taken)
    {
        std::lock_guard<std::mutex> guard(mutex);
        for(std::size_t i = 0; i < size; i++)
        {
            taken.push_back(samples[(first + i) % MAX_SAMPLES]);
        }
        first = 0;
        size = 0;
    }

    void reset(std::uint32_t period)
    {
        std::lock_guard<std::mutex> guard(mutex);
        current_period = period;
        first = 0;
        size = 0;
        last_begin.reset();
    }

  private:
    std::mutex mutex;
    std::array<Sample, MAX_SAMPLES> samples;
    std::size_t first{0};
    std::size_t size{0};
    std::optional<Clock::time_point> last_begin;
    std::uint32_t current_period{0};
};

// One subscription. Shared, so that a query can read it after it has let go of the lock of all.
class Topic
{
  public:
    Topic(const std::string &topic, const std::string &channel_name) :
        name(topic)
    {
        state.channel_name = channel_name;
        state.callback_count = 1;
    }

    template <typename Change>
    void change(Change apply)
    {
        std::lock_guard<std::mutex> guard(mutex);
        apply(state);
    }

    TopicState get() const
    {
        std::lock_guard<std::mutex> guard(mutex);
        return state;
    }

    const std::string name;

  private:
    mutable std::mutex mutex;
    TopicState state;
};

struct Channel
{
    std::string name;
    std::string endpoint;
};

using TopicList = std::vector<std::shared_ptr<const Topic>>;
using ChannelList = std::vector<Channel>;
using NotConnectedList = std::vector<NotConnected>;

// What a query needs of the subscriptions, sorted by name. It changes with them, not with events, so it is made by the
// first query after a change, and every other query copies two pointers.
struct Listing
{
    TopicList topics;
    ChannelList channels;
};

struct Subscriptions
{
    bool consumer{false};
    std::unordered_map<std::string, std::shared_ptr<Topic>> topics;
    std::map<std::string, std::string> channels; // endpoints
    std::shared_ptr<const NotConnectedList> not_connected{std::make_shared<NotConnectedList>()};
    std::shared_ptr<const Listing> listing;

    void make_listing()
    {
        auto made = std::make_shared<Listing>();
        made->topics.reserve(topics.size());
        for(const auto &entry : topics)
        {
            made->topics.push_back(entry.second);
        }
        std::sort(made->topics.begin(),
                  made->topics.end(),
                  [](const auto &a, const auto &b) { return a->name < b->name; });
        for(const auto &entry : channels)
        {
            made->channels.push_back(Channel{entry.first, entry.second});
        }
        listing = made;
    }
};

struct State
{
    std::mutex switch_mutex;
    Clock::time_point enabled_at; // guarded by switch_mutex
    SampleRing<PushSample> pushes;
    SampleRing<ReceptionSample> receptions;
    std::mutex subscriptions_mutex;
    Subscriptions subscriptions;
};

// Never destroyed: the consumer thread may outlive static objects.
State &state()
{
    static State *instance = new State;
    return *instance;
}

template <typename Change>
void change_topic(const std::string &topic, Change apply)
{
    State &s = state();
    std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
    auto pos = s.subscriptions.topics.find(topic);
    if(pos != s.subscriptions.topics.end())
    {
        pos->second->change(apply);
    }
}

} // namespace

// ---- Sampling of times -------------------------------------------------------------------------------------------

namespace detail
{
std::atomic<std::uint32_t> sampling_period{0};
} // namespace detail

void enable_sampling(bool on)
{
    State &s = state();
    std::lock_guard<std::mutex> guard(s.switch_mutex);
    const std::uint32_t before = sampling_period();
    const std::uint32_t after = before + (is_on(before) == on ? 2 : 1);
    s.enabled_at = Clock::now();
    s.pushes.reset(after);
    s.receptions.reset(after);
    detail::sampling_period.store(after, std::memory_order_release);
}

void PushTimer::note()
{
    PushSample sample{};
    sample.push_event_micros = micros(Clock::now() - begin);
    state().pushes.put(sample, begin, period);
}

void Reception::wait_begins()
{
    wait_begin.reset();
    if(is_on(sampling_period()))
    {
        wait_begin = Clock::now();
    }
}

void Reception::woken()
{
    const std::uint32_t now_period = sampling_period();
    if(now_period != period)
    {
        period = now_period;
        sleep = Clock::duration{0};
        wakes = 0;
        if(is_on(period))
        {
            // Switched on during this wait: it counts from then on.
            State &s = state();
            std::lock_guard<std::mutex> guard(s.switch_mutex);
            wait_begin = std::max(wait_begin.value_or(s.enabled_at), s.enabled_at);
        }
    }
    if(is_on(period))
    {
        sleep += Clock::now() - *wait_begin; // sampling was on when the wait began, or was switched on since
        wakes++;
    }
}

void Reception::event_begins()
{
    sampled = is_on(period);
    if(sampled)
    {
        event_begin = Clock::now();
        sample = ReceptionSample{};
    }
}

void Reception::accepted(const std::string &attr_name)
{
    if(sampled)
    {
        sample.discarded = false;
        const std::size_t length = std::min(attr_name.size(), MAX_SAMPLE_NAME);
        attr_name.copy(sample.attr_name.data(), length);
    }
}

void Reception::callback_begins(const std::optional<std::int64_t> &date)
{
    if(!sampled)
    {
        return;
    }
    if(sample.callback_count == 0 && date)
    {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        sample.first_callback_latency_micros =
            std::chrono::duration_cast<std::chrono::microseconds>(now).count() - *date;
    }
    sample.callback_count++;
}

void Reception::event_ends()
{
    if(!sampled)
    {
        return;
    }
    sample.sleep_micros = micros(sleep);
    sample.wake_count = wakes;
    sample.process_micros = micros(Clock::now() - event_begin);
    state().receptions.put(sample, event_begin, period);
    sleep = Clock::duration{0};
    wakes = 0;
    sampled = false;
}

Reception &reception()
{
    static thread_local Reception instance;
    return instance;
}

// ---- What this process has subscribed to -------------------------------------------------------------------------

void consumer_created()
{
    State &s = state();
    std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
    s.subscriptions.consumer = true;
}

void topic_added(const std::string &topic, const std::string &channel_name)
{
    auto added = std::make_shared<Topic>(topic, channel_name);
    State &s = state();
    std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
    s.subscriptions.topics[topic] = added;
    s.subscriptions.listing.reset();
}

void topic_removed(const std::string &topic)
{
    State &s = state();
    std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
    s.subscriptions.topics.erase(topic);
    s.subscriptions.listing.reset();
}

void topic_callbacks(const std::string &topic, std::size_t callback_count)
{
    change_topic(topic, [callback_count](TopicState &topic_state) { topic_state.callback_count = callback_count; });
}

void topic_resubscribed(const std::string &topic, std::time_t date)
{
    change_topic(topic, [date](TopicState &topic_state) { topic_state.last_resubscribed = date; });
}

void event_received(const std::string &topic, std::uint32_t server_counter, bool gap)
{
    change_topic(topic,
                 [server_counter, gap](TopicState &topic_state)
                 {
                     TopicCounters &counters = topic_state.counters;
                     counters.server_counter = server_counter;
                     counters.event_count++;
                     counters.missed_event_count += gap ? 1 : 0;
                 });
}

void event_discarded(const std::string &topic)
{
    change_topic(topic, [](TopicState &topic_state) { topic_state.counters.discarded_event_count++; });
}

void channel_connected(const std::string &channel_name, const std::string &endpoint)
{
    State &s = state();
    std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
    s.subscriptions.channels[channel_name] = endpoint;
    s.subscriptions.listing.reset();
}

void channel_removed(const std::string &channel_name)
{
    State &s = state();
    std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
    s.subscriptions.channels.erase(channel_name);
    s.subscriptions.listing.reset();
}

void channel_renamed(const std::string &old_name, const std::string &new_name)
{
    State &s = state();
    std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
    s.subscriptions.listing.reset();
    auto pos = s.subscriptions.channels.find(old_name);
    if(pos != s.subscriptions.channels.end())
    {
        s.subscriptions.channels[new_name] = pos->second;
        s.subscriptions.channels.erase(old_name);
    }
    for(auto &entry : s.subscriptions.topics)
    {
        entry.second->change(
            [&old_name, &new_name](TopicState &topic_state)
            {
                if(topic_state.channel_name == old_name)
                {
                    topic_state.channel_name = new_name;
                }
            });
    }
}

void set_not_connected(std::vector<NotConnected> events)
{
    std::shared_ptr<const NotConnectedList> list = std::make_shared<NotConnectedList>(std::move(events));
    State &s = state();
    std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
    s.subscriptions.not_connected.swap(list);
}

// ---- Reply -------------------------------------------------------------------------------------------------------

namespace
{

// Writes JSON in ASCII. Strings of Tango are Latin-1 on the wire; so are those of this writer.
class JsonWriter
{
  public:
    void raw(const char *json)
    {
        text += json;
    }

    void string(const std::string &value)
    {
        text += '"';
        for(const char c : value)
        {
            character(static_cast<unsigned char>(c));
        }
        text += '"';
    }

    // Name of a member of an object; first: it is the first one
    void key(const std::string &name, bool first = false)
    {
        if(!first)
        {
            text += ',';
        }
        string(name);
        text += ':';
    }

    template <typename Integer>
    void number(Integer value)
    {
        text += std::to_string(value);
    }

    void boolean(bool value)
    {
        text += value ? "true" : "false";
    }

    template <typename Integer>
    void number_or_null(const std::optional<Integer> &value)
    {
        value ? number(*value) : raw("null");
    }

    // ISO 8601, UTC, without zone
    void date(std::time_t value)
    {
        std::tm parts{};
        gmtime_r(&value, &parts);
        std::array<char, 32> buffer{};
        std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &parts);
        string(buffer.data());
    }

    std::string text;

  private:
    void character(unsigned char c)
    {
        if(c == '"' || c == '\\')
        {
            text += '\\';
            text += static_cast<char>(c);
        }
        else if(c < 0x20 || c > 0x7e)
        {
            std::array<char, 8> escape{};
            std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned int>(c));
            text += escape.data();
        }
        else
        {
            text += static_cast<char>(c);
        }
    }
};

void write(JsonWriter &json, const PushSample &sample)
{
    json.raw("{");
    json.key("micros_since_last_event", true);
    json.number_or_null(sample.micros_since_last_event);
    json.key("push_event_micros");
    json.number(sample.push_event_micros);
    json.raw("}");
}

void write(JsonWriter &json, const ReceptionSample &sample)
{
    json.raw("{");
    json.key("attr_name", true);
    json.string(sample.attr_name.data());
    json.key("micros_since_last_event");
    json.number_or_null(sample.micros_since_last_event);
    json.key("sleep_micros");
    json.number(sample.sleep_micros);
    json.key("process_micros");
    json.number(sample.process_micros);
    json.key("first_callback_latency_micros");
    json.number_or_null(sample.first_callback_latency_micros);
    json.key("callback_count");
    json.number(sample.callback_count);
    json.key("wake_count");
    json.number(sample.wake_count);
    json.key("discarded");
    json.boolean(sample.discarded);
    json.raw("}");
}

void write(JsonWriter &json, const NotConnected &event)
{
    json.raw("{");
    json.key("device", true);
    json.string(event.device);
    json.key("attribute");
    json.string(event.attribute);
    json.key("event_type");
    json.string(event.event_type);
    json.key("last_heartbeat");
    json.date(event.last_heartbeat);
    json.key("tango_host");
    event.tango_host ? json.string(*event.tango_host) : json.raw("null");
    json.raw("}");
}

void write(JsonWriter &json, const TopicState &topic)
{
    json.raw("{");
    json.key("channel_name", true);
    json.string(topic.channel_name);
    json.key("callback_count");
    json.number(topic.callback_count);
    json.key("server_counter");
    json.number(topic.counters.server_counter);
    json.key("event_count");
    json.number(topic.counters.event_count);
    json.key("missed_event_count");
    json.number(topic.counters.missed_event_count);
    json.key("discarded_event_count");
    json.number(topic.counters.discarded_event_count);
    json.key("last_resubscribed");
    topic.last_resubscribed ? json.date(*topic.last_resubscribed) : json.raw("null");
    json.raw("}");
}

template <typename Item>
void write_list(JsonWriter &json, const std::vector<Item> &items)
{
    json.raw("[");
    bool first = true;
    for(const auto &item : items)
    {
        json.raw(first ? "" : ",");
        write(json, item);
        first = false;
    }
    json.raw("]");
}

template <typename Sample>
void write_perf(JsonWriter &json, const std::optional<std::vector<Sample>> &samples)
{
    json.key("perf");
    samples ? write_list(json, *samples) : json.raw("null");
}

void write_server(JsonWriter &json,
                  const EventCounters &counters,
                  const std::optional<std::vector<PushSample>> &samples)
{
    json.raw("{");
    json.key("event_counters", true);
    json.raw("{");
    bool first = true;
    for(const auto &counter : counters)
    {
        json.key(counter.first, first);
        json.number(counter.second);
        first = false;
    }
    json.raw("}");
    write_perf(json, samples);
    json.raw("}");
}

void write_client(JsonWriter &json,
                  const Listing &listing,
                  const NotConnectedList &not_connected,
                  const std::optional<std::vector<ReceptionSample>> &samples)
{
    json.raw("{");
    json.key("event_callbacks", true);
    json.raw("{");
    bool first = true;
    for(const auto &topic : listing.topics)
    {
        json.key(topic->name, first);
        write(json, topic->get());
        first = false;
    }
    json.raw("}");
    json.key("not_connected");
    write_list(json, not_connected);
    json.key("event_channels");
    json.raw("{");
    first = true;
    for(const auto &channel : listing.channels)
    {
        json.key(channel.name, first);
        json.raw("{");
        json.key("endpoint", true);
        json.string(channel.endpoint);
        json.raw("}");
        first = false;
    }
    json.raw("}");
    write_perf(json, samples);
    json.raw("}");
}

} // namespace

std::string query(const std::optional<EventCounters> &counters)
{
    State &s = state();
    std::optional<std::vector<PushSample>> pushes;
    std::optional<std::vector<ReceptionSample>> receptions;
    if(is_on(sampling_period()))
    {
        pushes.emplace().reserve(MAX_SAMPLES);
        receptions.emplace().reserve(MAX_SAMPLES);
        s.pushes.take(*pushes);
        s.receptions.take(*receptions);
    }

    bool consumer;
    std::shared_ptr<const Listing> listing;
    std::shared_ptr<const NotConnectedList> not_connected;
    {
        std::lock_guard<std::mutex> guard(s.subscriptions_mutex);
        if(!s.subscriptions.listing)
        {
            s.subscriptions.make_listing();
        }
        consumer = s.subscriptions.consumer;
        listing = s.subscriptions.listing;
        not_connected = s.subscriptions.not_connected;
    }

    JsonWriter json;
    json.raw("{");
    json.key("version", true);
    json.number(1);
    json.key("server");
    counters ? write_server(json, *counters, pushes) : json.raw("null");
    json.key("client");
    consumer ? write_client(json, *listing, *not_connected, receptions) : json.raw("null");
    json.raw("}");
    return std::move(json.text);
}

} // namespace Tango::event_monitoring
