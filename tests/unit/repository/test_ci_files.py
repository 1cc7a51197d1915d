"""CI runs the same commands as make."""

from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
HOOKS = {
    "ruff": ".venv/bin/ruff check --fix",
    "ruff-format": ".venv/bin/ruff format",
    "check": "make check",
}


def read(name):
    return YAML(typ="safe").load(ROOT / name)


def test_the_workflow_runs_only_the_portable_ci_script():
    steps = read(".github/workflows/ci.yml")["jobs"]["change"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_hooks_before_a_commit_download_nothing_and_run_the_commands_of_make():
    repos = read(".pre-commit-config.yaml")["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    hooks = {hook["id"]: hook for repo in repos for hook in repo["hooks"]}
    assert {name: hook["entry"] for name, hook in hooks.items()} == HOOKS
    assert {hook["language"] for hook in hooks.values()} == {"system"}
    makefile = (ROOT / "Makefile").read_text().replace("$(BIN)", ".venv/bin")
    for command in (".venv/bin/ruff check --fix", ".venv/bin/ruff format"):
        assert f"\t{command} ." in makefile
