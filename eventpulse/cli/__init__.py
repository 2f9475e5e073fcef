"""The command line `eventpulse`."""
