"""Keeps the addresses and secrets of channels encrypted in the database, with a key that is not in the database.

The key is the setting EVENTPULSE_CHANNEL_KEY, or a random one in the home folder. Who has the database or its backup
alone can read no address; who has the home folder too, or this process, can.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken

from eventpulse.embedded.private_file import kept_password
from eventpulse.errors import EventPulseError, SettingsError
from eventpulse.settings import Settings


class AddressLocked(EventPulseError):
    """What is stored was encrypted with another key."""


class AddressBox:
    """Encrypts and decrypts. It shows nothing of its key, whoever prints it."""

    def __init__(self, key: str) -> None:
        digest = hashlib.sha256(b"eventpulse channels\0" + key.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def lock(self, text: str) -> bytes:
        """The text, for the database."""
        return self._fernet.encrypt(text.encode())

    def unlock(self, locked: bytes) -> str:
        """The text that was locked with the same key. Raises AddressLocked."""
        try:
            return self._fernet.decrypt(bytes(locked)).decode()
        except (InvalidToken, UnicodeDecodeError):
            raise AddressLocked(
                "The address of this channel was encrypted with another key than the one in EVENTPULSE_HOME or "
                "EVENTPULSE_CHANNEL_KEY. Enter the address again, or bring the key back."
            ) from None


def open_address_box(settings: Settings) -> AddressBox:
    """The box of this installation; its key is made the first time. Raises SettingsError where it cannot be kept."""
    if settings.channel_key is not None:
        return AddressBox(settings.channel_key.get_secret_value())
    try:
        return AddressBox(kept_password(settings.home / "channel-key"))
    except OSError as fault:
        raise SettingsError(
            f"The key that encrypts channels cannot be kept in {settings.home} ({fault.strerror}). "
            "Set EVENTPULSE_CHANNEL_KEY, or EVENTPULSE_HOME to a folder of yours."
        ) from fault
