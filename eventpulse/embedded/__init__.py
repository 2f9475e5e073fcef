"""The servers that come along in wheels, and the supervisor that runs the whole product."""
