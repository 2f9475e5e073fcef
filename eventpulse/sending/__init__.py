"""Send files of events to the HTTP API: read lines, prepare them, post them, remember how far it got."""
