// Two device servers and a client that keep the whole event system busy: 4 devices that push from a thread each,
// 8 subscriptions of which one comes and goes, and a client that asks both servers at 100 Hz and switches sampling.
// The database must have the servers, see database.py. Without one, a subscriber of cppTango 9.3.4 that subscribes again
// after some 10 s crashes (seen unpatched): it calls a proxy of the admin device that it has deleted.
//
//   stress publisher | subscriber | client patched SECONDS | client unpatched SECONDS
#include <tango/tango.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

namespace
{

constexpr int DEVICES = 4;
const char *const ATTRIBUTES[] = {"first", "second"};

class Value : public Tango::Attr
{
  public:
    explicit Value(const char *name) :
        Tango::Attr(name, Tango::DEV_DOUBLE, Tango::READ)
    {
    }

    void read(Tango::DeviceImpl *, Tango::Attribute &attribute) override
    {
        static double value = 1.0;
        attribute.set_value(&value);
    }
};

class Stress : public TANGO_BASE_CLASS
{
  public:
    Stress(Tango::DeviceClass *device_class, const char *name) :
        TANGO_BASE_CLASS(device_class, name)
    {
        init_device();
    }

    void init_device() override
    {
        for(const char *name : ATTRIBUTES)
        {
            set_change_event(name, true, false);
        }
    }

    void push(double value)
    {
        for(const char *name : ATTRIBUTES)
        {
            push_change_event(name, &value);
        }
    }
};

class StressClass : public Tango::DeviceClass
{
  public:
    explicit StressClass(std::string name) :
        Tango::DeviceClass(name)
    {
    }

    void attribute_factory(std::vector<Tango::Attr *> &attributes) override
    {
        for(const char *name : ATTRIBUTES)
        {
            attributes.push_back(new Value(name));
        }
    }

    void command_factory() override {}

    void device_factory(const Tango::DevVarStringArray *names) override
    {
        for(CORBA::ULong i = 0; i < names->length(); i++)
        {
            device_list.push_back(new Stress(this, (*names)[i]));
            export_device(device_list.back(), (*names)[i]);
        }
    }
};

void pause(int milliseconds)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

std::string device_name(const std::string &kind, int number)
{
    return "stress/" + kind + "/" + std::to_string(number);
}

void push_forever(Stress *device)
{
    omni_thread::ensure_self self;
    for(double value = 0;; value++)
    {
        device->push(value);
        pause(1);
    }
}

// A proxy of a device that answers; its server may not have started yet.
Tango::DeviceProxy *proxy(const std::string &name)
{
    for(int attempt = 1;; attempt++)
    {
        try
        {
            auto made = std::make_unique<Tango::DeviceProxy>(name.c_str()); // before 10, no constant string
            made->ping();
            return made.release();
        }
        catch(Tango::DevFailed &)
        {
            if(attempt == 600)
            {
                throw;
            }
            pause(100);
        }
    }
}

class Counter : public Tango::CallBack
{
  public:
    std::atomic<long> events{0};

    void push_event(Tango::EventData *) override
    {
        events++;
    }
};

void subscribe_forever()
{
    omni_thread::ensure_self self;
    static Counter counter;
    std::vector<Tango::DeviceProxy *> devices;
    int last = 0;
    for(int i = 1; i <= DEVICES; i++)
    {
        devices.push_back(proxy(device_name("publisher", i)));
        for(const char *name : ATTRIBUTES)
        {
            last = devices.back()->subscribe_event(name, Tango::CHANGE_EVENT, &counter);
        }
    }
    for(int i = 0;; i++)
    {
        pause(100);
        devices.back()->unsubscribe_event(last);
        last = devices.back()->subscribe_event(ATTRIBUTES[1], Tango::CHANGE_EVENT, &counter);
        if(i % 20 == 0)
        {
            std::printf("%ld events\n", counter.events.load()); // cout is a macro before 10
            std::fflush(stdout);
        }
    }
}

void serve(std::string kind)
{
    std::vector<std::string> words{"stress", kind, "-ORBendPoint", "giop:tcp:127.0.0.1:0"};
    std::vector<char *> arguments;
    for(std::string &word : words)
    {
        arguments.push_back(word.data());
    }
    Tango::Util *util = Tango::Util::init(static_cast<int>(arguments.size()), arguments.data());
    util->server_init(false);
    if(kind == "publisher")
    {
        for(Tango::DeviceImpl *device : util->get_device_list_by_class("Stress"))
        {
            std::thread(push_forever, static_cast<Stress *>(device)).detach();
        }
    }
    else
    {
        std::thread(subscribe_forever).detach();
    }
    util->server_run();
}

// Without the commands, in the unpatched library, other requests take their place.
void ask(Tango::DeviceProxy &admin, bool patched, const std::atomic<bool> &stop, std::atomic<long> &asked)
{
    omni_thread::ensure_self self;
    while(!stop)
    {
        patched ? (void) admin.command_inout("QueryEventSystem") : (void) admin.command_inout("QueryDevice");
        asked++;
        pause(20); // two threads for each server
    }
}

void drive(bool patched, int seconds)
{
    std::atomic<bool> stop{false};
    std::atomic<long> asked{0};
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<Tango::DeviceProxy>> admins;
    for(const char *kind : {"publisher", "subscriber"})
    {
        admins.emplace_back(proxy(std::string("dserver/stress/") + kind));
        admins.back()->set_timeout_millis(30000);
    }
    for(auto &admin : admins)
    {
        for(int i = 0; i < 2; i++)
        {
            threads.emplace_back([&] { ask(*admin, patched, stop, asked); });
        }
    }
    for(int i = 0; i < seconds * 10; i++)
    {
        pause(100);
        for(auto &admin : admins)
        {
            Tango::DeviceData on;
            on << static_cast<Tango::DevBoolean>(i % 2 == 0);
            patched ? (void) admin->command_inout("EnableEventSystemPerfMon", on) : (void) admin->ping();
        }
    }
    stop = true;
    for(auto &thread : threads)
    {
        thread.join();
    }
    std::printf("%s: %ld queries\n", patched ? "patched" : "unpatched", asked.load());
}

} // namespace

void Tango::DServer::class_factory()
{
    add_class(new StressClass("Stress"));
}

int main(int argc, char *argv[])
{
    const std::vector<std::string> words(argv + 1, argv + argc);
    try
    {
        if(words.at(0) == "client")
        {
            drive(words.at(1) == "patched", std::stoi(words.at(2)));
        }
        else
        {
            serve(words[0]);
        }
    }
    catch(Tango::DevFailed &error)
    {
        Tango::Except::print_exception(error);
        return 1;
    }
    return 0;
}
