// Every function of the module from the threads that call it in a device server, at the same time.
#include "../event_monitoring/event_monitoring.h"

#include <cstdio>
#include <mutex>
#include <string>
#include <thread>

using namespace Tango::event_monitoring;

int main()
{
    std::atomic<bool> stop{false};
    std::atomic<long> pushed{0}, queries{0}, bytes{0};
    std::vector<std::thread> threads;
    consumer_created();
    for(int i = 0; i < 8; i++)
    {
        topic_added("topic" + std::to_string(i), "channel");
    }
    channel_connected("channel", "tcp://1");
    std::mutex push_mutex; // as in ZmqEventSupplier
    for(int i = 0; i < 4; i++)
    {
        threads.emplace_back(
            [&]
            {
                while(!stop)
                {
                    std::lock_guard<std::mutex> guard(push_mutex);
                    PushTimer timer;
                    pushed++;
                    timer.pushed();
                }
            });
    }
    threads.emplace_back(
        [&]
        {
            std::uint32_t counter = 0;
            while(!stop)
            {
                reception().wait_begins();
                reception().woken();
                EventScope scope;
                counter++;
                const std::string topic = "topic" + std::to_string(counter % 9);
                if(counter % 7 == 0)
                {
                    event_discarded(topic);
                    continue;
                }
                event_received(topic, counter, counter % 100 == 0);
                reception().accepted("a_name_that_is_longer_than_it_may_be");
                reception().callback_begins(std::int64_t{1});
                reception().callback_begins(std::nullopt);
            }
        });
    threads.emplace_back(
        [&]
        {
            while(!stop)
            {
                topic_added("topic8", "other");
                topic_callbacks("topic8", 2);
                channel_connected("other", "tcp://2");
                topic_resubscribed("topic8", 1);
                channel_renamed("other", "another");
                channel_removed("another");
                topic_removed("topic8");
                set_not_connected({{"a/b/c", "d", "change", 1, std::nullopt}});
                set_not_connected({});
            }
        });
    threads.emplace_back(
        [&]
        {
            while(!stop)
            {
                enable_sampling(true);
                std::this_thread::sleep_for(std::chrono::milliseconds(3));
                enable_sampling(false);
            }
        });
    for(int i = 0; i < 2; i++)
    {
        threads.emplace_back(
            [&]
            {
                while(!stop)
                {
                    bytes += query(EventCounters{{"stream", 1}}).size();
                    queries++;
                    std::this_thread::sleep_for(std::chrono::milliseconds(5));
                }
            });
    }
    std::this_thread::sleep_for(std::chrono::seconds(5));
    stop = true;
    for(auto &thread : threads)
    {
        thread.join();
    }
    std::printf("%ld pushes, %ld queries, %ld bytes\n", pushed.load(), queries.load(), bytes.load());
}
