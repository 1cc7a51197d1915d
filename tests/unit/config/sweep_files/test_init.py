"""searchctl init: first files, random secrets, no change of the user's files."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from searchctl.orchestrator.cli.main import cli
from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.init.secrets import SAMPLE, env_values, problems, read_folder
from searchctl.orchestrator.init.write import env_text

ROOT = Path(__file__).parents[4]


@pytest.fixture
def init(tmp_path):
    def run():
        done = CliRunner().invoke(cli, ["init", str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done

    return run


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_secrets_are_drawn_anew_each_time_and_are_this_user_s_alone(init, tmp_path):
    init()
    assert mode(tmp_path / ".env") == 0o600
    assert SAMPLE not in (tmp_path / ".env").read_text()
    drawn = [*env_values().values(), *env_values().values()]
    assert len(set(drawn)) == 8
    assert problems(env_values()) == []


def test_the_first_sweep_is_valid(init, tmp_path):
    init()
    assert len(load_sweep(tmp_path / "sweeps/first.yaml").trials()) == 6


def test_the_next_steps_are_printed(init):
    output = init().stdout
    assert "searchctl launch" in output
    assert "docker compose up" in output


def test_what_is_there_is_not_changed(init, tmp_path):
    (tmp_path / ".env").write_text("MINE=1\n")
    (tmp_path / ".env").chmod(0o600)
    assert f"kept {tmp_path / '.env'}: it exists already" in init().stdout
    assert (tmp_path / ".env").read_text() == "MINE=1\n"


def test_a_copied_sample_that_others_may_read_is_warned_of(init, tmp_path):
    (tmp_path / ".env").write_text(env_text(SAMPLE))
    (tmp_path / ".env").chmod(0o644)
    output = init().stderr
    assert "has the sample's secrets, which no container accepts: remove it" in output
    assert f"run `chmod 600 {tmp_path / '.env'}`" in output


def test_the_sample_in_the_repository_is_what_init_writes_but_for_the_secrets():
    assert (ROOT / ".env.example").read_text() == env_text(SAMPLE)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (SAMPLE, "is the public one of the sample"),
        ("", "is empty"),
        ("short", "is shorter than 16 characters"),
    ],
)
@pytest.mark.parametrize("name", env_values())
def test_a_secret_that_is_none_is_named_and_not_quoted(name, value, problem):
    (found,) = problems({**env_values(), name: value})
    assert found.startswith(f"{name} {problem}")
    assert not value or value == "short" or value not in found


def test_a_secret_whose_file_is_missing_counts_as_empty(tmp_path):
    (tmp_path / "ray_token").write_text("f" * 64 + "\n")
    found = read_folder(tmp_path)
    assert found["SEARCHCTL_RAY_TOKEN"] == "f" * 64
    assert found["SEARCHCTL_DATABASE_URL"] == ""


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "sweeps").write_text("a file")
    done = CliRunner().invoke(cli, ["init", str(tmp_path)])
    assert "sweeps/first.yaml" in str(done.exception)
    assert "name a directory that can be written" in str(done.exception)
