"""Files that a disk refuses: a user can fix that, whichever command meets it."""

import errno

_ELSEWHERE = "name another place"
_PERMISSIONS = f"change its permissions, or {_ELSEWHERE}"
_SPACE = f"free some space, or {_ELSEWHERE}"
_FIXES = {
    errno.EACCES: _PERMISSIONS,
    errno.EPERM: _PERMISSIONS,
    errno.EROFS: _ELSEWHERE,
    errno.ENOTDIR: _ELSEWHERE,
    errno.EISDIR: _ELSEWHERE,
    errno.ENAMETOOLONG: _ELSEWHERE,
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
}
"""What to do about each; a missing file is not among them, since that may be a bug."""


def refused_file(error: Exception) -> str | None:
    """Return the message where a disk refused a file that the error names; None of other errors.

    >>> refused_file(PermissionError(errno.EACCES, "Permission denied", "masks/a.png"))
    'masks/a.png: Permission denied: change its permissions, or name another place'
    >>> refused_file(FileNotFoundError(errno.ENOENT, "No such file or directory", "a.png"))
    """
    if not isinstance(error, OSError):
        return None
    from searchctl.trainer.core.atomic_files import NoRoom

    if isinstance(error, NoRoom):
        return str(error)
    if error.filename is None or error.errno not in _FIXES:
        return None
    return f"{error.filename}: {error.strerror}: {_FIXES[error.errno]}"
