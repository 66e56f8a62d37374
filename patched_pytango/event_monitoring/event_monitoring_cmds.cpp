// The commands of the admin device that tell how the events of this process fare: QueryEventSystem and
// EnableEventSystemPerfMon as in cppTango 10.1 and later, StartEventSystemPerfMon and StopEventSystemPerfMon as in the
// patched 9.5 that some observatories use, so that clients of either kind work.

// The headers of both places, as in event_monitoring.cpp.
#if __has_include(<tango/internal/event_monitoring.h>)
#include <tango/tango.h>
#include <tango/internal/event_monitoring.h>
#include <tango/internal/event_monitoring_cmds.h>
#include <tango/server/eventsupplier.h>
#else
#include <tango.h>
#include <event_monitoring.h>
#include <event_monitoring_cmds.h>
#include <eventsupplier.h>
#endif

namespace Tango
{

namespace
{

const char *const SAMPLING_DESC = "Sampling of the times of events";

class QueryEventSystemCmd : public Command
{
  public:
    QueryEventSystemCmd() :
        Command("QueryEventSystem", DEV_VOID, DEV_STRING, "", "Counters and time samples of the event system, JSON")
    {
    }

    CORBA::Any *execute(DeviceImpl *, const CORBA::Any &) override
    {
        std::optional<event_monitoring::EventCounters> counters;
        ZmqEventSupplier *supplier = Util::instance()->get_zmq_event_supplier();
        if(supplier != nullptr)
        {
            counters = supplier->get_event_counters();
        }
        return insert(event_monitoring::query(counters).c_str());
    }
};

class EnableEventSystemPerfMonCmd : public Command
{
  public:
    EnableEventSystemPerfMonCmd() :
        Command("EnableEventSystemPerfMon", DEV_BOOLEAN, DEV_VOID, SAMPLING_DESC, "")
    {
    }

    CORBA::Any *execute(DeviceImpl *, const CORBA::Any &in_any) override
    {
        DevBoolean on;
        extract(in_any, on);
        event_monitoring::enable_sampling(on);
        return insert();
    }
};

// The same without an argument, as some older builds of Tango have it
class SwitchEventSystemPerfMonCmd : public Command
{
  public:
    SwitchEventSystemPerfMonCmd(const char *name, bool on) :
        Command(name, DEV_VOID, DEV_VOID),
        on(on)
    {
    }

    CORBA::Any *execute(DeviceImpl *, const CORBA::Any &) override
    {
        event_monitoring::enable_sampling(on);
        return insert();
    }

  private:
    const bool on;
};

} // namespace

void add_event_monitoring_commands(std::vector<Command *> &commands)
{
    commands.push_back(new QueryEventSystemCmd);
    commands.push_back(new EnableEventSystemPerfMonCmd);
    commands.push_back(new SwitchEventSystemPerfMonCmd("StartEventSystemPerfMon", true));
    commands.push_back(new SwitchEventSystemPerfMonCmd("StopEventSystemPerfMon", false));
}

} // namespace Tango
