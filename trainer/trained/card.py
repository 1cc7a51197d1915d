"""The model card of a trained network: README.md beside its weights; torch-free."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from searchctl.trainer.data.settings.class_table import Classes, ClassTable, colours_of, ids_of
from searchctl.trainer.trained.description import Description, Source

CARD = "README.md"
MARK = "<!-- Written by searchctl. Change it as you like. -->"
"""Line by which a card is known from a page that is not ours."""
MEASURES = {
    "mIoU": "miou",
    "mean accuracy": "mean_accuracy",
    "accuracy": "overall_accuracy",
    "loss": "loss",
}
"""Name of each measure -> the field of an `Evaluation`."""
_FILL_IN = "*(fill in)*"


def model_card(description: Description, *, weights: int, size: int, code: bool) -> str:
    """Return the card as Markdown, with the front matter of model hubs.

    Args:
        description: of the network.
        weights: numbers in the file, batch statistics among them.
        size: bytes of the file.
        code: whether the own code that the network needs is beside it.
    """
    parts = (
        _front_matter(description),
        MARK,
        _title(description),
        _use(description, code),
        _scores(description),
        _classes(description),
        _images(description),
        _network(description, weights, size),
        _configuration(description),
        _licences(description),
    )
    return "\n\n".join(parts) + "\n"


def _front_matter(it: Description) -> str:
    kind = "image-classification" if it.task == "classification" else "image-segmentation"
    return f"---\nlibrary_name: searchctl\npipeline_tag: {kind}\nlicense: unknown\n---"


def _title(it: Description) -> str:
    training, trained = it.trained.training, it.trained
    of = "each image" if it.task == "classification" else "each pixel"
    source = f" {_source(it.source)}" if it.source else ""
    both = " and the validation images" if trained.on == "train+val" else ""
    return (
        f"# {training['model']} on {trained.data['dataset']}\n\n"
        f"It gives {of} one of {len(it.classes.names)} classes. searchctl "
        f"{it.versions.get('searchctl')} trained it on {trained.images} images{both} of "
        f"`{trained.data['dataset']}`.{source} The weights are those of epoch {it.score.epoch}, "
        f"which has the best {it.score.name}: {it.score.value:.4f}."
    )


def _source(it: Source) -> str:
    trial = f"trial {it.trial} of the sweep {it.sweep}"
    if it.retrained is None:
        return f"It is {trial}."
    changes = f", with {', '.join(it.retrained)}" if it.retrained else ""
    return f"It is not {trial} itself: `searchctl train` trained that configuration anew{changes}."


def _use(it: Description, code: bool) -> str:
    command, argument = "", ""
    lines = ["## Use"]
    if it.code is not None:
        command, argument = " --code code", ', code="code"'
        named = [f"{name} (SHA-256 {sha256})" for name, sha256 in it.code.files.items()]
        files = ", ".join(named) or "their modules"
        where = "are in `code/`" if code else "are not in this directory"
        lines.append(
            f"The network is built by own code, {', '.join(it.code.parts)}: it needs {files}, "
            f"which {where}. `--code` names their directory; they are executed."
        )
    lines.append(f"```\nsearchctl predict . IMAGES -o masks/{command}\n```")
    lines.append(
        "```python\nimport searchctl\n\n"
        f'model = searchctl.load_model("."{argument})\n'
        "prediction = model.predict(image)  # a NumPy array [height, width, "
        f"{it.images.channels}]\nprediction.classes, prediction.probabilities\n```"
    )
    return "\n\n".join(lines)


def _scores(it: Description) -> str:
    rows = [
        (split, *(_shown(scores.get(key)) for key in MEASURES.values()), *_others(it, scores))
        for split, scores in it.evaluations.items()
    ]
    sizes = "x".join(map(str, it.images.image_size))
    note = (
        f"Splits are scored at {sizes} pixels; `original` is at the labels' own size. The loss is "
        "cross entropy for each pixel."
    )
    return f"## Scores\n\n{_table(('split', *MEASURES, *_other_names(it)), rows)}\n\n{note}"


def _other_names(it: Description) -> list[str]:
    found = (name for scores in it.evaluations.values() for name in scores.get("scores", {}))
    return list(dict.fromkeys(found))


def _others(it: Description, scores: Mapping[str, Any]) -> Iterator[str]:
    return (_shown(scores.get("scores", {}).get(name)) for name in _other_names(it))


def _classes(it: Description) -> str:
    splits = [split for split in it.evaluations if split != "train"]
    values = _mask_values(it)
    rows = []
    for number, (name, colour) in enumerate(zip(it.classes.names, it.classes.palette, strict=True)):
        value = values[number : number + 1]
        ious = (_shown(it.evaluations[split]["class_iou"][number]) for split in splits)
        rows.append((number, name, "#{:02x}{:02x}{:02x}".format(*colour), *value, *ious))
    own = ("value in the data set's masks",) if values else ()
    heads = ("id", "class", "colour", *own, *(f"IoU {split}" for split in splits))
    return f"## Classes\n\n{_table(heads, rows)}\n\n{_meaning(it, other=bool(values))}".rstrip()


def _meaning(it: Description, *, other: bool) -> str:
    """Return what the pixels of predicted masks mean."""
    if it.task == "classification":
        return ""
    words = f"Predicted masks hold the ids, 0 to {len(it.classes.names) - 1}"
    words += ", and not the values of the data set's masks." if other else "."
    if it.images.bands is not None:
        words += f" Pixels that a raster lacks have the value {it.classes.ignore_index}."
    return words


def _mask_values(it: Description) -> tuple[int, ...]:
    """Return each class's value in the masks of the data set; nothing where these are the ids."""
    data = it.trained.data
    if it.task == "classification" or data["dataset"] != "folder" or "classes" not in data:
        return ()
    classes: Classes = TypeAdapter(ClassTable).validate_python(data["classes"])
    values = () if colours_of(classes) else ids_of(classes, data.get("first_id", 0))
    return () if values == tuple(range(len(values))) else values


def _images(it: Description) -> str:
    images = it.images
    kind = "8-bit RGB" if images.bands is None else f"bands {_listed(images.bands)}, from 0"
    rows: list[tuple[object, ...]] = [
        ("channels", f"{images.channels}: {kind}"),
        ("trained at (height x width)", "x".join(map(str, images.image_size))),
        ("mean of the channels", _listed(images.mean)),
        ("standard deviation", _listed(images.std)),
        ("predicted", json.dumps(it.inference.model_dump(mode="json", exclude_none=True))),
    ]
    if images.tile is not None:
        rows.append(("cut into tiles of", "x".join(map(str, images.tile))))
    return f"## Images\n\n{_table(('', ''), rows)}"


def _network(it: Description, weights: int, size: int) -> str:
    rows = [
        ("network", it.trained.training["model"]),
        ("numbers in the file", f"{weights:,}"),
        ("size of model.safetensors", f"{size / 1e6:,.1f} MB"),
        ("trained with", ", ".join(f"{name} {number}" for name, number in it.versions.items())),
    ]
    return f"## Network\n\n{_table(('', ''), rows)}"


def _configuration(it: Description) -> str:
    settings = {
        "seed": it.trained.seed,
        "data": it.trained.data,
        "training": it.trained.training,
    }
    return f"## Configuration\n\n```json\n{json.dumps(settings, indent=2)}\n```"


def _licences(it: Description) -> str:
    start = str(it.trained.training.get("init", "scratch"))
    initial = "none: trained from scratch" if start == "scratch" else f"`{start}`: {_FILL_IN}"
    rows = [
        ("these weights", _FILL_IN),
        (f"data set `{it.trained.data['dataset']}`", _FILL_IN),
        ("initial weights", initial),
        ("searchctl", "Apache-2.0"),
    ]
    return f"## Licences\n\n{_table(('of', 'licence'), rows)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def line(cells: Sequence[object]) -> str:
        return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"

    return "\n".join([line(heads), f"|{'---|' * len(heads)}", *map(line, rows)])


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
