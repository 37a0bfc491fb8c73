"""Has the kernel refuse calls to this process and its children, as old kernels and container profiles do."""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

NUMBERS = {
    "x86_64": {"pidfd_open": 434, "pidfd_send_signal": 424, "memfd_create": 319, "prctl": 157, "setpgid": 109},
    "aarch64": {"pidfd_open": 434, "pidfd_send_signal": 424, "memfd_create": 279, "prctl": 167, "setpgid": 154},
}


def refuse(*names: str, error: int = errno.ENOSYS) -> bool:
    """From now on these calls fail; False where that cannot be had."""
    numbers = NUMBERS.get(platform.machine())
    if numbers is None:
        return False
    # seccomp(2): load the number of the call; for each: if it is this one, fail, else look at the next; allow.
    program = [struct.pack("=HBBI", 0x20, 0, 0, 0)]
    for name in names:
        program.append(struct.pack("=HBBI", 0x15, 0, 1, numbers[name]))
        program.append(struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | error))
    program.append(struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000))
    code = ctypes.create_string_buffer(b"".join(program))
    libc = ctypes.CDLL(None, use_errno=True)
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(code))
    no_new_privileges, set_seccomp, by_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) != 0:
        return False
    return libc.prctl(set_seccomp, by_filter, ctypes.c_char_p(filter_), 0, 0) == 0
