"""Ask every part of a running EventPulse how it is, without ever waiting long for one that is not."""
