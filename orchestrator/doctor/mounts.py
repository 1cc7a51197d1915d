"""On what file system a path lies (Linux)."""

from pathlib import Path

NETWORKED = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "lustre", "gpfs", "beegfs"),
    *("glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.juicefs"),
}
"""File systems of several machines."""
_MOUNTS = Path("/proc/self/mounts")


def file_system(path: Path, mounts: Path = _MOUNTS) -> str:
    """Return the kind of file system that holds a path, or will hold it; nothing if unknown."""
    if not mounts.exists():
        return ""
    kinds = {}
    for line in mounts.read_text().splitlines():
        _, place, kind, *_ = line.split(" ")
        kinds[place.replace("\\040", " ")] = kind
    real = path.absolute().resolve()
    above = [str(each) for each in (real, *real.parents) if str(each) in kinds]
    return kinds[above[0]] if above else ""
