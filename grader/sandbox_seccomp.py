"""A system call filter (seccomp, classic BPF) for bubblewrap.

Namespaces and limits leave a few holes, which this closes: memory that no limit counts (memfd, System V shared
memory, io_uring), sockets that no network namespace holds (AF_VSOCK reaches a virtual machine's host), and
calls that no exercise needs but kernel exploits do. Refused calls fail with ENOSYS, as on a kernel without them.
"""

import errno
import platform
import struct

SOCKET_FAMILIES = (1, 2, 10, 16)
"""unix, inet, inet6 and netlink, which listing the (empty) network needs."""

# Numbers from the kernel's asm/unistd.h; from 424 on all architectures agree.
_COMMON = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "pidfd_getfd": 438, "mount_setattr": 442,
    "quotactl_fd": 443, "memfd_secret": 447,
}  # fmt: skip
REFUSED = {
    "x86_64": {
        "shmget": 29, "semget": 64, "msgget": 68, "ptrace": 101, "syslog": 103, "personality": 135, "modify_ldt": 154,
        "pivot_root": 155, "acct": 163, "mount": 165, "umount2": 166, "init_module": 175, "delete_module": 176,
        "quotactl": 179, "mq_open": 240, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
        "unshare": 272, "vmsplice": 278, "perf_event_open": 298, "name_to_handle_at": 303, "open_by_handle_at": 304,
        "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313,
        "memfd_create": 319, "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323, **_COMMON,
    },
    "aarch64": {
        "umount2": 39, "mount": 40, "pivot_root": 41, "quotactl": 60, "vmsplice": 75, "acct": 89, "personality": 92,
        "unshare": 97, "kexec_load": 104, "init_module": 105, "delete_module": 106, "syslog": 116, "ptrace": 117,
        "mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194, "add_key": 217, "request_key": 218, "keyctl": 219,
        "perf_event_open": 241, "name_to_handle_at": 264, "open_by_handle_at": 265, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272, "finit_module": 273, "memfd_create": 279,
        "bpf": 280, "userfaultfd": 282, "kexec_file_load": 294, **_COMMON,
    },
}  # fmt: skip
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SOCKET = {"x86_64": 41, "aarch64": 198}
_X32 = 0x40000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS


def program(machine: str | None = None) -> bytes | None:
    """The filter for `bwrap --seccomp`; None where the numbers of this machine's calls are not known here."""
    machine = machine or platform.machine()
    if machine not in REFUSED:
        return None
    # (operation, operand, where to go if true, if false).
    following, refuse, allow = None, "refuse", "allow"
    tests = [
        (_LOAD, _ARCHITECTURE, following, following),
        (_EQUAL, _AUDIT[machine], following, refuse),
        (_LOAD, _NUMBER, following, following),
        (_AT_LEAST, _X32, refuse, following),
        *[(_EQUAL, number, refuse, following) for number in REFUSED[machine].values()],
        (_EQUAL, _SOCKET[machine], following, allow),
        (_LOAD, _FIRST_ARGUMENT, following, following),
        *[(_EQUAL, family, allow, following) for family in SOCKET_FAMILIES],
    ]
    end = {refuse: len(tests), allow: len(tests) + 1}
    instructions = [
        (operation, *(end[goal] - i - 1 if goal else 0 for goal in goals), operand)
        for i, (operation, operand, *goals) in enumerate(tests)
    ]
    instructions += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
