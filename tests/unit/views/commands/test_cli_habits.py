"""Habits that all commands share: --json, -o, one word for a sweep, errors, local time."""

import json
import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from searchctl.orchestrator.cli.common import print_errors
from searchctl.orchestrator.cli.main import cli, main
from searchctl.orchestrator.facts.text import counted

FIXTURE = Path(__file__).parents[3] / "fixtures" / "first_release"
VALID = "name: s\ndata: {dataset: scenes}\nspace: {lr: [0.1, 0.2]}\n"
WRITERS = {"launch", "resume", "stop", "train", "dashboard", "watch", "schema", "report"} | {
    "delete",
    "extend",
    "rename",
}
WRITERS |= {"predict", "export-model"}
"""Commands without --json: they run something, or have formats of their own."""


def commands(group=cli, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = [pytest.param(command, id=" ".join(path)) for path, command in commands()]


def options(command):
    return {name for each in command.params for name in each.opts}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in an empty directory, in the time zone of Berlin."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield lambda *words: CliRunner().invoke(cli, words)
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def stored(run, tmp_path):
    """Run a command on the database of the first release; returns its output."""
    shutil.copy(FIXTURE / "searchctl.db", tmp_path)
    os.environ.pop("SEARCHCTL_DB_URL", None)

    def shown(*words):
        done = run(*words)
        assert done.exit_code == 0, done.output
        return done.stdout

    shown("db", "upgrade")
    return shown


@pytest.fixture
def failing(run, monkeypatch, capsys):
    """Run the command as from a shell; returns its exit code and its standard error."""

    def fail(*words):
        monkeypatch.setattr(sys, "argv", ["searchctl", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().err

    return fail


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, id=" ".join(path))
        for path, command in commands()
        if not set(path) & WRITERS
    ],
)
def test_every_reading_command_prints_json_by_the_same_option(command):
    assert "--json" in options(command)


@pytest.mark.parametrize("command", ALL)
def test_a_command_has_a_format_option_only_for_more_than_two_formats(command):
    formats = [each.type.choices for each in command.params if "--format" in each.opts]
    assert all(len(choices) > 2 for choices in formats)


@pytest.mark.parametrize("command", ALL)
def test_a_written_file_is_named_by_o_and_output(command):
    written = options(command) & {"-o", "--output", "--out", "--file"}
    assert written in (set(), {"-o", "--output"})


@pytest.mark.parametrize("command", ALL)
def test_usage_lines_call_a_stored_sweep_sweep_and_a_file_sweep_yaml(command):
    words = {"sweep": "SWEEP", "against": "SWEEP", "sweep_file": "SWEEP.YAML"}
    named = {each.name: (each.metavar or "").strip("[]") for each in command.params}
    assert {name: named[name] for name in words.keys() & named.keys()} == {
        name: word for name, word in words.items() if name in named
    }


def test_validate_prints_findings_as_json(run, tmp_path):
    (tmp_path / "sweep.yaml").write_text(VALID)
    found = json.loads(run("validate", "sweep.yaml", "--json").stdout)
    assert (found["valid"], found["name"], found["trials"], found["errors"]) == (True, "s", 2, [])
    (tmp_path / "sweep.yaml").write_text(VALID + "seeed: 1\nhalving: {eta: 1}\n")
    done = run("validate", "sweep.yaml", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["valid"]) == (1, False)
    assert [(each["line"], each["path"]) for each in found["errors"]] == [
        (4, ["seeed"]),
        (5, ["halving", "eta"]),
    ]


def test_init_and_db_print_json(run):
    found = json.loads(run("init", "here", "--json").stdout)
    assert found["written"] == ["here/.env", "here/sweeps/first.yaml"]
    assert json.loads(run("db", "create", "--json").stdout)["schema"]
    assert run("db", "upgrade", "--json").stdout == run("db", "create", "--json").stdout


def test_several_errors_are_each_marked_and_counted(failing, tmp_path):
    (tmp_path / "sweep.yaml").write_text(VALID + "seeed: 1\nhalving: {eta: 1}\n")
    code, output = failing("validate", "sweep.yaml")
    first, second, count = output.splitlines()
    assert code == 1
    assert first.startswith("error: sweep.yaml:4 seeed: ")
    assert second.startswith("error: sweep.yaml:5 halving.eta: ")
    assert count == "2 errors"


def test_one_error_is_one_line(failing, tmp_path):
    (tmp_path / "sweep.yaml").write_text(VALID + "seeed: 1\n")
    _, output = failing("validate", "sweep.yaml")
    assert output.startswith("error: sweep.yaml:4 seeed: ")
    assert output.count("\n") == 1


def test_a_wrong_option_is_an_error_with_the_usage(failing):
    code, output = failing("validate", "--nonsense")
    assert code == 2
    assert output.startswith("Usage: ")
    assert output.splitlines()[-1].startswith("error: No such option")


def test_times_are_local_and_name_their_zone(stored):
    assert stored("list").splitlines()[-1].endswith("2026-11-28 20:23 CET")
    assert stored("logs", "finished").startswith("2026-11-28 20:23:36 CET  ")
    when = json.loads(stored("list", "--json"))[-1]["created_at"]
    assert when.startswith("2026-11-28 19:23")
    assert when.endswith("+00:00")


def test_counts_have_the_right_grammar():
    assert [counted(number, "error") for number in (0, 1, 2)] == ["0 errors", "1 error", "2 errors"]


@pytest.mark.parametrize("damaged", ["[]", '{"name": "fin', "null"])
def test_a_sweep_whose_stored_settings_are_damaged_is_named_and_the_others_stay(
    damaged, stored, run, tmp_path
):
    with closing(sqlite3.connect(tmp_path / "searchctl.db")) as database, database:
        names = [name for (name,) in database.execute("select name from searchctl_sweeps")]
        database.execute("update searchctl_sweeps set spec = ? where name = ?", (damaged, names[0]))
    assert all(name in stored("list") for name in names)
    assert names[1] in stored("status", names[1])
    for command in ("status", "verify", "explain", "report", "export", "logs", "watch", "resume"):
        failed = run(command, names[0])
        assert failed.exit_code != 0
        assert f"the spec of sweep '{names[0]}' is damaged" in str(failed.exception), command


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        ("a\x1b]0;x\x07b", "error: a\\x1b]0;x\\x07b\n"),
        ("two\nlines", "error: two\nlines\n"),
        ("\u202egnp.exe", "error: \\u202egnp.exe\n"),
        ("n" * 60_000 + " is long", f"error: {'n' * 400}... is long\n"),
    ],
    ids=["commands", "lines", "direction", "length"],
)
def test_an_error_that_quotes_a_file_neither_commands_the_terminal_nor_floods_it(
    message, printed, capsys
):
    print_errors([message])
    assert capsys.readouterr().err == printed
