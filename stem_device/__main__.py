"""``python -m stem_device``: the command ``stem``."""

from stem_device.cli import main

if __name__ == "__main__":
    main()
