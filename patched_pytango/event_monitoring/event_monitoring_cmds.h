#ifndef _INTERNAL_EVENT_MONITORING_CMDS_H
#define _INTERNAL_EVENT_MONITORING_CMDS_H

#include <vector>

namespace Tango
{

class Command;

/// Add QueryEventSystem and the commands that switch sampling to those of the admin device.
void add_event_monitoring_commands(std::vector<Command *> &commands);

} // namespace Tango

#endif
