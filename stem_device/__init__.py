"""stem-device: counts the Tango events that were published, received and missed."""
