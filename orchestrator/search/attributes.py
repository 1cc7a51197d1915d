"""Attributes that the dashboard reads as notes and artifacts, as its own calls write them."""

import json
from collections.abc import Mapping
from typing import Any

from searchctl.orchestrator.artifacts.pictures import JobPicture

_NOTE_LENGTH = 2000
"""Maximum length of a note. The dashboard splits a longer one into several attributes."""


def note_attributes(trial_id: int | None, text: str, noted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a note; empty if there already is one.

    They are those of `optuna_dashboard.save_note`, which would read all notes for each write.
    """
    prefix = "dashboard:" if trial_id is None else f"dashboard:{trial_id}:"
    if f"{prefix}note_ver" in noted:
        return {}
    return {f"{prefix}note_str:0": text[:_NOTE_LENGTH], f"{prefix}note_ver": 1}


def artifact_attribute(picture: JobPicture) -> tuple[str, str]:
    """Return the attribute of an artifact, as `optuna.artifacts.upload_artifact` writes it.

    That function would also copy the file.
    """
    metadata = {
        "artifact_id": picture.id,
        "filename": f"rung-{picture.rung}-{picture.file}",
        "mimetype": "image/png",
        "encoding": None,
    }
    return f"artifacts:{picture.id}", json.dumps(metadata)
