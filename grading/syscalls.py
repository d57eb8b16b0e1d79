"""System calls that no notebook needs and that get round the sandbox's limits: they fail as if unknown.

Memory that belongs to no process and no file system (``memfd_create``, System V shared memory) is counted by
nobody; the others only offer more of the kernel to attack. Written as classic BPF, which bubblewrap hands to
seccomp.
"""

import contextlib
import errno
import os
import platform
import struct
from collections.abc import Iterator

# by machine: the kernel's name of the architecture, and the numbers of its calls
_MACHINES = {
    "x86_64": (
        0xC000003E,
        {
            "shmget": 29,
            "msgget": 68,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "perf_event_open": 298,
            "memfd_create": 319,
            "bpf": 321,
            "userfaultfd": 323,
            "io_uring_setup": 425,
            "memfd_secret": 447,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "msgget": 186,
            "shmget": 194,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "perf_event_open": 241,
            "memfd_create": 279,
            "bpf": 280,
            "userfaultfd": 282,
            "io_uring_setup": 425,
            "memfd_secret": 447,
        },
    ),
}
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # ld [k]; jeq k; jge k; ret k
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_ALLOW, _UNKNOWN = 0x7FFF0000, 0x00050000 | errno.ENOSYS
_X32 = 0x40000000  # a second set of numbers for the same calls


def program(machine: str) -> bytes:
    """The filter for ``machine``, as the kernel takes it.

    Raises:
        LookupError: the numbers of that machine's calls are not known here.
    """
    if machine not in _MACHINES:
        raise LookupError(f"the sandbox knows no system calls of {machine}")
    architecture, calls = _MACHINES[machine]
    steps = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _UNKNOWN)]
    steps += [(_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _UNKNOWN)]
    for number in calls.values():
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _UNKNOWN)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


@contextlib.contextmanager
def opened() -> Iterator[int]:
    """The filter for this machine as an open file descriptor, for bubblewrap's ``--seccomp``."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(program(platform.machine()))
        yield reading
    finally:
        os.close(reading)
