"""The command evaluate: a trained network on a split of a data set."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.orchestrator.cli.common import data_root_option, json_option, print_json
from searchctl.orchestrator.cli.model.common import code_option, device_option, model_argument

if TYPE_CHECKING:
    from searchctl.trainer.core.results import Evaluation
    from searchctl.trainer.data.settings import DataSettings, Split
    from searchctl.trainer.trained.description import Description


@click.command()
@model_argument
@click.argument("data_file", metavar="SWEEP.YAML", type=click.Path(path_type=Path))
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="test",
    show_default=True,
    help="Images that are scored.",
)
@data_root_option
@device_option
@code_option
@json_option
def evaluate(
    model: str,
    data_file: Path,
    split: "Split",
    data_root: str | None,
    device: str | None,
    code: str | None,
    as_json: bool,
) -> None:
    """Score a trained network on the data set of a sweep file, as a sweep scores its finalists.

    \b
    SWEEP.YAML is any sweep file, or an exported configuration: its section `data` counts, and its
    classes must be those of the network. Images are brought to the network's own training size.
    Example: searchctl evaluate trained/quickstart-trial-8 examples/quickstart.yaml --split test
    """
    from searchctl.orchestrator.cli.drive.driving import decoding
    from searchctl.orchestrator.core.signals import StopSwitch
    from searchctl.orchestrator.terminal.display import plain_console
    from searchctl.trainer.core.stopping import Stopped
    from searchctl.trainer.data.samples import decode_ahead
    from searchctl.trainer.trained.evaluation import data_for, evaluate_model
    from searchctl.trainer.trained.loading import load_model

    loaded = load_model(model, device=device, code=code)
    data = data_for(loaded, _data_of(data_file, data_root))
    with StopSwitch("nothing is stored") as stopping:
        with decoding(plain_console(), stopping) as tell:
            decode_ahead(data, [], tell=tell)
        try:
            found = evaluate_model(loaded, data, split, stop=stopping)
        except Stopped:
            sys.exit(stopping.exit_code)
    if as_json:
        print_json({name: asdict(each) for name, each in found.items()})
    else:
        _print(loaded.description, found)


def _data_of(path: Path, data_root: str | None) -> "DataSettings":
    """Return the data settings of a sweep file or of an exported configuration.

    A data set that is a class of the user's own is imported from beside the file.
    """
    from searchctl.orchestrator.artifacts.export import read_exported
    from searchctl.orchestrator.cli.before.files import read
    from searchctl.orchestrator.config.parsing.yaml_source import load_yaml
    from searchctl.orchestrator.own_code.collect import collect_code
    from searchctl.trainer.data.settings import OwnData
    from searchctl.trainer.own_code.imports import use_code

    if "name" not in load_yaml(path).value:
        exported = read_exported(path, data_root=data_root)
        if isinstance(exported.data, OwnData):
            use_code(exported.own_code)
        return exported.data
    sweep = read(path, data_root)
    if isinstance(sweep.data, OwnData):
        collect_code(path.absolute().parent, [sweep.data.dataset], sweep.code).use()
    return sweep.data


def _print(description: "Description", found: "dict[str, Evaluation]") -> None:
    from searchctl.orchestrator.facts.sweeps import number
    from searchctl.orchestrator.terminal.display import plain_table, show
    from searchctl.trainer.trained.card import MEASURES

    others = list(dict.fromkeys(name for each in found.values() for name in each.scores))
    table = plain_table("split", *MEASURES, *others, left=["split"])
    for split, scores in found.items():
        values = [getattr(scores, key) for key in MEASURES.values()]
        table.add_row(split, *map(number, values), *(number(scores.scores[o]) for o in others))
    show(table)
    show("")
    classes = plain_table("class", *(f"IoU {split}" for split in found), left=["class"])
    for place, name in enumerate(description.classes.names):
        classes.add_row(name, *(number(each.class_iou[place]) for each in found.values()))
    show(classes)
