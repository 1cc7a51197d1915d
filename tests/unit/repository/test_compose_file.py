"""docker-compose.yml: valid by the specification's schema, and closed where it must be.

The schema is the one that check-jsonschema ships.
"""

import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from searchctl.orchestrator.init.secrets import SAMPLE, env_values
from searchctl.orchestrator.init.write import env_text
from tests.servers.compose_natively import FILE, compose_file

ROOT = Path(__file__).parents[3]
ONE_SHOT = {"secrets", "tables"}


@pytest.fixture(scope="module")
def compose():
    return compose_file({})


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


def test_the_file_is_valid_by_the_compose_specification(compose):
    shipped = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(shipped.read_text())
    jsonschema.Draft202012Validator(schema).validate(compose)


def test_only_the_dashboard_is_published_and_on_this_machine_alone(services):
    published = {name: each["ports"] for name, each in services.items() if "ports" in each}
    assert published == {"dashboard": ["127.0.0.1:8080:8080"]}


def test_every_service_that_stays_says_whether_it_is_well(services):
    assert {name for name, each in services.items() if "healthcheck" not in each} == ONE_SHOT


def test_nothing_starts_before_the_secrets_are_in_order(services):
    def awaited(name):
        others = services[name].get("depends_on", {})
        assert all(how["condition"] != "service_started" for how in others.values())
        return set(others).union(*map(awaited, others))

    assert all("secrets" in awaited(name) for name in services if name != "secrets")


def test_no_environment_holds_a_secret(services):
    given = {value for each in services.values() for value in each.get("environment", {}).values()}
    assert not [value for value in given if re.search("SEARCHCTL_|change-me|password=", value)]


def test_secrets_are_files_of_the_user_who_reads_them(services):
    refs = [ref for each in services.values() for ref in each.get("secrets", [])]
    assert all(ref["uid"] in ("10001", "999") and ref["mode"] == 400 for ref in refs)
    (uid,) = re.findall(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert {ref["uid"] for ref in refs} == {uid, "999"}


def test_workers_hold_nothing_but_ray_s_token(services):
    assert [ref["source"] for ref in services["worker"]["secrets"]] == ["ray_token"]
    assert services["worker"]["networks"] == ["cluster"]
    assert "database" in services["postgres"]["networks"]


def test_every_secret_of_init_is_one_of_the_file_and_checked(compose, services):
    named = {each["environment"] for each in compose["secrets"].values()}
    assert named == set(env_values())
    assert {ref["source"] for ref in services["secrets"]["secrets"]} == set(compose["secrets"])


def test_every_variable_of_the_file_is_in_the_env(services):
    used = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    assert used == set(re.findall(r"^(\w+)=", env_text(), re.MULTILINE)) - set(env_values())


def test_all_that_our_containers_write_is_in_a_volume(compose, services):
    mounted = {str(each) for service in services.values() for each in service.get("volumes", [])}
    named = {volume for volume in compose["volumes"] if any(volume in each for each in mounted)}
    assert named == {"database", "runs", "cache"}


def check_secrets(folder, services):
    _, *command = services["secrets"]["command"]
    command = [sys.executable, *(word.replace("/run/secrets", str(folder)) for word in command)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_containers_refuse_the_sample_s_secrets(tmp_path, compose, services):
    for name, each in compose["secrets"].items():
        (tmp_path / name).write_text(env_values(SAMPLE)[each["environment"]])
    done = check_secrets(tmp_path, services)
    assert done.returncode == 1
    assert done.stderr.count("is the public one of the sample") == 4
    assert "searchctl init" in done.stderr


def test_the_containers_refuse_a_secret_that_is_missing(tmp_path, compose, services):
    for name, each in compose["secrets"].items():
        (tmp_path / name).write_text(env_values()[each["environment"]])
    assert check_secrets(tmp_path, services).returncode == 0
    (tmp_path / "ray_token").unlink()
    assert "SEARCHCTL_RAY_TOKEN is empty" in check_secrets(tmp_path, services).stderr
