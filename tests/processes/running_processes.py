"""Public facts of this machine's processes: command lines and listening sockets."""

import ipaddress
import socket
from dataclasses import dataclass, field
from pathlib import Path

_LISTENS = "0A"


@dataclass
class Shown:
    """What the processes below one have shown so far."""

    commands: set[str] = field(default_factory=set)
    listens_at: dict[str, str] = field(default_factory=dict)
    """Command line by the address that it listens at."""

    def look(self, pid: int) -> None:
        """Look at a process and all those that it has started, directly or not."""
        sockets = _listening()
        for each in family(pid):
            command = command_line(each)
            self.commands.add(command)
            for inode in _inodes(each) & sockets.keys():
                self.listens_at[sockets[inode]] = command


def family(pid: int) -> list[int]:
    """Return a process and those below it; none that is no more."""
    children = [
        int(child)
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for child in _text(path).split()
    ]
    return [pid, *(each for child in children for each in family(child))]


def marked(variable: str) -> list[int]:
    """Return the processes with this NAME=VALUE in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            found += [int(path.parent.name)] * (variable.encode() in path.read_bytes().split(b"\0"))
        except OSError:
            continue
    return found


def command_line(pid: int) -> str:
    """Return what `ps` shows of a process."""
    return _text(Path(f"/proc/{pid}/cmdline")).replace("\0", " ").strip()


def _inodes(pid: int) -> set[str]:
    found = set()
    for path in Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.add(str(path.readlink()).removeprefix("socket:[").rstrip("]"))
        except OSError:
            continue
    return found


def _listening() -> dict[str, str]:
    """Return address and port of every TCP socket that listens, by its inode."""
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in _text(Path(f"/proc/net/{table}")).splitlines()[1:]
    ]
    return {row[9]: _address(row[1]) for row in rows if row[3] == _LISTENS}


def _address(written: str) -> str:
    """Read an address as /proc/net has it: words of the machine's own byte order.

    >>> _address("0100007F:1F90")
    '127.0.0.1:8080'
    """
    host, _, port = written.partition(":")
    words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
    packed = b"".join(words)
    family_ = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return f"{socket.inet_ntop(family_, packed)}:{int(port, 16)}"


def is_loopback(address: str) -> bool:
    """Say whether a socket at this address is reached from this machine alone."""
    host = ipaddress.ip_address(address.rpartition(":")[0])
    mapped = getattr(host, "ipv4_mapped", None)
    return (mapped or host).is_loopback


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it is no more
        return ""
