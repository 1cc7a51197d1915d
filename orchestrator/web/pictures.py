"""The jobs' pictures as read-only artifacts of Optuna's dashboard."""

import io
from typing import BinaryIO

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.pictures import JobPicture, read_picture
from searchctl.orchestrator.storage.reads import queries


class PictureStore:
    """An Optuna artifact store for the pictures in the directories of all sweeps.

    A requested name is only used to find an attempt in the database. The path of the picture
    follows from the stored attempt. So no name can lead to another file.
    """

    def __init__(self, engine: Engine) -> None:
        """Serve the pictures of a database's sweeps."""
        self._engine = engine

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open a picture.

        Raises:
            FileNotFoundError: there is no picture of this name, or its file cannot be read: it was
                removed, or is on another machine.
        """
        picture = JobPicture.parse(artifact_id)
        place = picture and queries.find_attempt(self._engine, picture.token)
        if not picture or not place:
            raise FileNotFoundError(f"no job has written a picture '{artifact_id}'")
        try:
            folder = UPath(place.runs) / place.sweep / place.job.folder / picture.token
            return io.BytesIO(read_picture(folder / picture.file))
        except (OSError, ImportError, ValueError) as error:  # ImportError: no package for its URL
            raise FileNotFoundError(f"the picture cannot be read here: {error}") from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Refuse, because only jobs write to the directories of sweeps.

        Raises:
            PermissionError: always.
        """
        raise PermissionError("the dashboard stores no files")

    def remove(self, artifact_id: str) -> None:
        """Keep the picture, because a deleted study can be recreated."""
