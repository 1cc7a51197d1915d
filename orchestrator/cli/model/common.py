"""Arguments and options of the commands on a trained network."""

import click

model_argument = click.argument("model", metavar="MODEL")
"""A directory with model.safetensors, or that file."""
device_option = click.option(
    "--device", metavar="NAME", help="cpu, cuda or cuda:1. Default: the GPU if there is one."
)
code_option = click.option(
    "--code",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Directory of the own code that builds the network, if it is your own; it is executed.",
)
