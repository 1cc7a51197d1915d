import re
import subprocess
import sys
from pathlib import Path

import pytest

from searchctl.trainer.models.catalog import MODELS, constructor_options

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))


def readme_commands():
    return re.findall(r"^    (make .+)$", README, flags=re.MULTILINE)


def test_generated_pages_are_those_of_the_code():
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_site_is_built_without_a_link_that_leads_nowhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "examples/own-parts/sweep.yaml").is_file()
    assert 'href="examples/own-parts/sweep.yaml"' in (tmp_path / "own-parts.html").read_text()
    assert 'href="tutorial.html"' in (tmp_path / "index.html").read_text()


def test_ci_runs_the_two_commands_of_the_readme_unchanged():
    commands = readme_commands()
    assert len(commands) == 2
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in lines if line in commands] == commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page):
    text = page.read_text()
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    missing = [target for target in targets if not (page.parent / target).exists()]
    paths = re.findall(
        r"`((?:searchspace|trainer|orchestrator|tests|docs|examples)/[\w./-]+)`", text
    )
    missing += [path for path in paths if not (ROOT / path).exists()]
    assert missing == []


def test_architecture_names_each_file_by_a_whole_path_that_exists():
    spans = re.findall(r"`([^`\s]+)`", (ROOT / "ARCHITECTURE.md").read_text())
    files = [span for span in spans if span.endswith((".py", "/"))]
    assert len(files) > 50
    assert [name for name in files if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", MODELS)
def test_page_of_the_networks_has_every_model_with_its_options(name):
    page = (ROOT / "docs" / "models.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    assert set(re.findall(r"`(\w+)`", row.split("|")[4])) == set(constructor_options(MODELS[name]))
