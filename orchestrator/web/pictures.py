"""The jobs' pictures as artifacts of Optuna's dashboard: read where they lie, never changed."""

import io
from typing import BinaryIO

from sqlalchemy import Engine
from upath import UPath

from searchctl.orchestrator.artifacts.pictures import JobPicture, read_picture
from searchctl.orchestrator.storage.reads import queries


class PictureStore:
    """An artifact store, as Optuna asks for one, over the directories of all sweeps' runs.

    A name that is asked for is only ever looked up among the attempts; where a picture lies follows
    from what is stored of its attempt. So no name leads to another file.
    """

    def __init__(self, engine: Engine) -> None:
        """Serve the pictures of a database's sweeps."""
        self._engine = engine

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open a picture.

        Raises:
            FileNotFoundError: there is none of that name, or its file cannot be read: it was
                removed, or is on another machine.
        """
        picture = JobPicture.parse(artifact_id)
        place = picture and queries.find_attempt(self._engine, picture.token)
        if not picture or not place:
            raise FileNotFoundError(f"no job has left a picture '{artifact_id}'")
        try:
            folder = UPath(place.runs) / place.sweep / place.job.folder / picture.token
            return io.BytesIO(read_picture(folder / picture.file))
        except (OSError, ImportError, ValueError) as error:  # ImportError: no package for its URL
            raise FileNotFoundError(f"the picture cannot be read here: {error}") from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Refuse: what is in the runs directories is the sweeps' own.

        Raises:
            PermissionError: always.
        """
        raise PermissionError("the dashboard keeps no files")

    def remove(self, artifact_id: str) -> None:
        """Leave the picture where it is: a study that is deleted can be made anew."""
