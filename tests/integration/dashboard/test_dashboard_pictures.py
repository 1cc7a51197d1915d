"""The pictures of predicted masks, read where they lie by way of Optuna's artifacts."""

import http.client
import io
import json

import pytest
from PIL import Image

from tests.servers.dashboards import ask, dashboard_of, served


def artifacts_of(port, number):
    """What the page knows of a trial's artifacts: file name -> path."""
    study = json.loads(ask(port, "/api/studies/1")[2])
    trial = study["trials"][number]
    path = f"/artifacts/1/{trial['trial_id']}"
    return {each["filename"]: f"{path}/{each['artifact_id']}" for each in trial["artifacts"]}


def test_each_rung_of_a_trial_has_its_picture(opened, swept):
    found = artifacts_of(opened, 5)
    assert list(found) == ["rung-0-masks.png", "rung-1-masks.png", "rung-2-masks.png"]
    assert list(artifacts_of(opened, 0)) == ["rung-0-masks.png"]
    connection = http.client.HTTPConnection("127.0.0.1", opened, timeout=30)
    connection.request("GET", found["rung-1-masks.png"])
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(answer.read())).size == (6, 2)


FORGED = ("00-ab-0", "x", "..%2f..%2fsweeps.db", "00-..-0", "00--0", "", "00-{token}-2", "{token}")


@pytest.mark.parametrize("name", FORGED)
def test_files_other_than_pictures_of_jobs_are_not_found(name, opened):
    folder, _, real = artifacts_of(opened, 5)["rung-0-masks.png"].rpartition("/")
    name = name.format(token=real.split("-")[1])
    assert ask(opened, f"{folder}/{name}")[0] == 404


def test_a_picture_that_is_gone_is_not_found_and_the_page_continues(opened, swept):
    for file in swept.folder.rglob("trial-0007/rung-0/*/masks.png"):
        file.unlink()
    assert ask(opened, artifacts_of(opened, 7)["rung-0-masks.png"])[0] == 404
    assert ask(opened, artifacts_of(opened, 7)["rung-1-masks.png"])[0] == 200
    assert ask(opened, "/api/studies/1")[0] == 200


def test_artifacts_can_be_neither_removed_nor_added(opened, swept):
    path = artifacts_of(opened, 5)["rung-2-masks.png"]
    for method, refused in (("DELETE", f"/api{path}"), ("POST", "/api/artifacts/1/6")):
        status, _, text = ask(opened, refused, method)
        assert (status, json.loads(text)["reason"][:9]) == (403, "artifacts")
    assert ask(opened, path)[0] == 200


def test_a_study_that_is_deleted_leaves_the_pictures_for_the_one_made_anew(sweeps, drawing):
    sweeps.launch(drawing, storage={"runs": f"memory://{sweeps.folder.name}"})
    with served(dashboard_of(sweeps)) as port:
        path = artifacts_of(port, 5)["rung-2-masks.png"]
        assert ask(port, "/api/studies/1", "DELETE")[0] == 204
    sweeps.resume()
    with served(dashboard_of(sweeps)) as port:
        anew = artifacts_of(port, 5)["rung-2-masks.png"]
        assert anew.rpartition("/")[2] == path.rpartition("/")[2]
        assert ask(port, anew)[0] == 200
