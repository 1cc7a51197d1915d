"""Files of the Hugging Face hub: from its cache on this machine, or downloaded into it."""

from collections.abc import Sequence

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import RemoteEntryNotFoundError
from upath import UPath

from searchctl.trainer.core.errors import SettingsError


def hub_file(repository: str, names: Sequence[str], then: str) -> UPath:
    """Return the first of these files that a repository has.

    Args:
        repository: OWNER/NAME on the hub.
        names: files in it, the preferred one first.
        then: what to do with the file that was downloaded elsewhere, for the message.

    Raises:
        SettingsError: the repository has none of them, or the file is not in the cache and cannot
            be downloaded; the message says how to get it.
    """
    for name in names:
        try:
            return UPath(hf_hub_download(repository, name))
        except RemoteEntryNotFoundError:
            continue
        except Exception as error:  # the errors of its HTTP library have no common base class
            raise SettingsError(
                f"{name} of {repository} is not in the cache of the Hugging Face hub, and cannot "
                f"be downloaded from it: {error}\nOn a machine with a network, run `hf download "
                f"{repository} {name}`, and {then}"
            ) from error
    raise SettingsError(f"{repository} on the Hugging Face hub has no {' and no '.join(names)}")
