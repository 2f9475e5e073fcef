"""Ports on this machine: is one free, and which one may a test take."""

import random
import socket

from eventpulse.errors import EmbeddedServerError

# Above 32767 the kernel gives ports to outgoing connections, so one that was free may be taken a moment later.
_FREE_CHOICE = range(20_000, 32_768)


def require_free_port(host: str, port: int, *, purpose: str, setting: str) -> None:
    """Raise EmbeddedServerError, naming the setting that moves it, where something else listens on the port."""
    fault = _cannot_listen(host, port)
    if fault is not None:
        raise EmbeddedServerError(
            f"{purpose} cannot listen on {host}:{port} ({fault}). Stop what uses it, or set {setting} to another port."
        )


def choose_free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on just now."""
    for port in random.sample(_FREE_CHOICE, k=50):
        if _cannot_listen(host, port) is None:
            return port
    raise EmbeddedServerError(f"No free port was found on {host}.")


def _cannot_listen(host: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        return (fault.strerror or str(fault)).lower()
    return None
