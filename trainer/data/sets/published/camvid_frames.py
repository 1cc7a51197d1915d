"""Recording, clip and split of a CamVid frame, by its name, such as 0016E5_07959."""

import re

from searchctl.trainer.data.settings import Split

RECORDINGS: dict[str, Split] = {
    "0001TP": "train",
    "0016E5": "train",
    "0006R0": "val",
    "Seq05VD": "test",
}
"""The split of each recording when whole recordings are kept apart."""
_CLIP_FRAMES = 300
"""Ten seconds at 30 frames a second: images closer than that show much the same street."""
_SEGNET_VAL = range(7959, 8160)
"""Frames of 0016E5 on which SegNet validates: one clip of seven seconds."""
_SEGNET_TEST = 8550
"""The frame of 0001TP with which SegNet's half for testing begins."""


def recording(name: str) -> str:
    """Return the recording, 0016E5."""
    return name.partition("_")[0]


def clip(name: str) -> str:
    """Return the recording and the ten-second clip in it."""
    return f"{recording(name)}/{_frame(name) // _CLIP_FRAMES}"


def segnet_split(name: str) -> Split:
    """Return the split of a frame in SegNet's lists, which follow this rule without exception.

    Raises:
        KeyError: no recording is called like that.
    """
    match recording(name):
        case "0001TP":
            return "train" if _frame(name) < _SEGNET_TEST else "test"
        case "0016E5":
            return "val" if _frame(name) in _SEGNET_VAL else "train"
        case "0006R0":
            return "train"
        case "Seq05VD":
            return "test"
        case other:
            raise KeyError(other)


def recording_split(name: str) -> Split:
    """Return the split of the frame's recording.

    Raises:
        KeyError: no recording is called like that.
    """
    return RECORDINGS[recording(name)]


def _frame(name: str) -> int:
    return int(re.sub(".*[^0-9]", "", name))
