"""``python -m stem_device.device INSTANCE`` is the same as ``EventMonitor INSTANCE``."""

from stem_device.device import main

main()
