"""The last step before a child of ours becomes its program: it will end with us, and it may stop being root.

Run as a script, apart from the project: `python -I become_child.py <parent> <signal> <user or -> <program> ...`.
The program takes the place of this process, so the parent's child is the program itself.

PostgreSQL refuses to be root. As root, the child becomes an ordinary user who keeps one capability, CAP_DAC_OVERRIDE,
to reach a data directory below folders that only root may enter. Nothing outside that directory changes owner or mode.
"""

import ctypes
import os
import pwd
import sys

# From linux/prctl.h and linux/capability.h.
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


class CapabilityHeader(ctypes.Structure):
    """Which process, and how the sets are laid out."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class CapabilitySets(ctypes.Structure):
    """Thirty-two capabilities, one bit each, in three sets."""

    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def main(arguments: list[str]) -> None:
    """Arrange what must be arranged, then become the program. Never returns."""
    parent, signal_at_death, user, *command = arguments
    try:
        if user != "-":
            become_ordinary_user(user)
        if sys.platform == "linux":
            end_with_parent(int(parent), int(signal_at_death))
        os.execv(command[0], command)
    except (OSError, KeyError) as fault:
        sys.exit(f"{os.path.basename(command[0])} cannot be started as user {user}: {fault}")


def end_with_parent(parent: int, signal_at_death: int) -> None:
    """Have the kernel send us this signal when the parent is gone, however it went. Comes after any change of user."""
    call("prctl", PR_SET_PDEATHSIG, signal_at_death, 0, 0, 0)
    if os.getppid() != parent:  # it went before we asked
        sys.exit("The supervisor has gone.")


def become_ordinary_user(name: str) -> None:
    """Change from root to this user, for good, keeping only the right to pass folder permissions."""
    user = pwd.getpwnam(name)
    call("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    kept = 1 << CAP_DAC_OVERRIDE
    header = CapabilityHeader(CAPABILITY_VERSION_3, 0)
    sets = (CapabilitySets * 2)(CapabilitySets(kept, kept, kept), CapabilitySets(0, 0, 0))
    call("capset", ctypes.byref(header), sets)
    # Ambient, because an ordinary program loses every other kind of capability when it is executed.
    call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def call(function: str, *arguments: object) -> None:
    """Call the C library; raise OSError with the kernel's reason where it refuses."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1:])
