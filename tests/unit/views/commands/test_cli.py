"""The command's shape: help, exit codes, and what it does not import."""

import errno
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest

from searchctl.orchestrator.cli import main as cli
from searchctl.orchestrator.core.errors import SearchctlError, SweepFailed, SweepNotFound
from searchctl.trainer.core.errors import DataError

HEAVY = ("torch", "ray", "optuna", "sqlalchemy", "alembic", "albumentations", "cv2")


def commands(group=cli.cli, name="searchctl"):
    for verb, command in group.commands.items():
        yield pytest.param(f"{name} {verb}", command, id=verb)
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {verb}")


def run(*arguments, cwd):
    return subprocess.run(
        [str(Path(sys.executable).parent / "searchctl"), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_s_help_ends_in_an_example_of_it(name, command):
    last = [line.strip() for line in command.help.splitlines() if line.strip()][-1]
    assert last.startswith(f"Example: {name}")


def test_the_help_of_every_command_is_a_sentence():
    text = click.Context(cli.cli, terminal_width=80).get_help()
    assert "..." not in text.partition("Commands:")[2]
    assert max(map(len, text.splitlines())) <= 90


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_option_has_help(name, command):
    silent = [p.opts for p in command.params if isinstance(p, click.Option) and not p.help]
    assert silent == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SearchctlError("x"), 1),
        (SweepNotFound("x"), 1),
        (DataError("x"), 1),
        (SweepFailed("x"), 3),
    ],
)
def test_errors_that_a_user_can_fix_are_one_line_and_a_code(error, code, monkeypatch, capsys):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli, "cli", fail)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == code
    assert capsys.readouterr().err == "error: x\n"


def test_a_file_that_the_disk_refuses_is_named_with_the_fix_and_is_no_bug(monkeypatch, capsys):
    def refuse(**_):
        raise PermissionError(errno.EACCES, "Permission denied", "ro/masks/a.png")

    monkeypatch.setattr(cli, "cli", refuse)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    named = "error: ro/masks/a.png: Permission denied: change its permissions, or name another"
    assert capsys.readouterr().err.startswith(named)


def test_a_bug_of_searchctl_is_a_message_and_a_file_with_its_traceback(monkeypatch, capsys):
    monkeypatch.setattr(cli, "cli", lambda **_: {}["missing"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    message = capsys.readouterr().err
    assert caught.value.code == 70
    assert message.startswith("error: searchctl did not foresee this: KeyError: 'missing'. ")
    file = Path(re.search(r"The traceback is in (\S+)\. ", message)[1])
    assert "Traceback (most recent call last)" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()


def test_an_error_without_a_text_is_named(monkeypatch, capsys):
    def fail(**_):
        raise MemoryError

    monkeypatch.setattr(cli, "cli", fail)
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    with pytest.raises(SystemExit):
        cli.main()
    message = capsys.readouterr().err
    assert "did not foresee this: MemoryError. The traceback cannot be saved" in message
    assert "More memory may help" in message


def test_an_unknown_command_is_a_usage_error(tmp_path):
    done = run("nonsense", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: No such command 'nonsense'" in done.stderr
    assert done.stderr.startswith("Usage: searchctl ")


@pytest.mark.parametrize("option", ["--help", "-h", "--version"])
def test_help_and_version_answer_with_code_0(option, tmp_path):
    done = run(option, cwd=tmp_path)
    assert done.returncode == 0
    assert "searchctl" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["launch", "--help"],
        ["validate", "sweep.yaml"],
        ["plan", "sweep.yaml"],
        ["plan", "sweep.yaml", "--json"],
        ["schema"],
    ],
    ids=" ".join,
)
def test_looking_at_a_file_imports_no_heavy_library(arguments, tmp_path):
    sweep = "name: s\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.2]}\n"
    (tmp_path / "sweep.yaml").write_text(sweep)
    code = (
        "import sys\nfrom searchctl.orchestrator.cli.main import main\n"
        f"sys.argv = ['searchctl', *{arguments}]\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
