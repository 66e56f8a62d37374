"""The demo: a little Tango system of its own, and the tools to start and stop one."""
