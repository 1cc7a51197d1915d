"""The command export-model: a trained network as ONNX, or as torch.export's .pt2."""

import click

from searchctl.orchestrator.cli.model.common import code_option, model_argument


@click.command("export-model")
@model_argument
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="File to write; .onnx or .pt2 names the format.",
)
@click.option(
    "--fixed-size",
    is_flag=True,
    help="For images of the training's size only; such a file may run faster.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there already.")
@code_option
def export_model(
    model: str, output: str, fixed_size: bool, overwrite: bool, code: str | None
) -> None:
    """Write a trained network for other programs, for images of any size where it can be.

    \b
    Input `images`: [N, 3, height, width], uint8 RGB; rasters are float32. The file normalises them.
    Output `logits`: float32 [N, classes, height, width]; a class is its highest logit.
    The file is compared with the network on random images before it is written.
    ONNX needs `pip install 'searchctl[onnx]'`. docs/models-in-use.md lists what each network can.
    Example: searchctl export-model trained/quickstart-trial-8 -o model.onnx
    """
    from upath import UPath

    from searchctl.orchestrator.artifacts.directory import check_writable
    from searchctl.orchestrator.core.errors import SearchctlError
    from searchctl.trainer.core.atomic_files import file_exists
    from searchctl.trainer.export.exported import export_model as export
    from searchctl.trainer.trained.loading import load_model

    path = UPath(output)
    if not overwrite and file_exists(path):
        raise SearchctlError(f"{path} is there already: name another file, or add --overwrite")
    loaded = load_model(model, device="cpu", code=code)
    check_writable(path.parent, "name another file with -o")  # before minutes of tracing
    written = export(loaded, path, fixed=fixed_size)
    height, width = written.size
    sizes = "of any size" if written.sizes == "any" else f"of {height}x{width} pixels only"
    click.echo(
        f"wrote {path}, for images {sizes}; its logits differ by at most "
        f"{written.difference:.1g} from the network's"
    )
