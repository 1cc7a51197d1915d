"""The checks of parts: what they find in parts that are wrong, and the command that runs them."""

import json

import pytest

from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code.check import Part, Request, check_apart
from searchctl.trainer.checks.networks import STEPS
from searchctl.trainer.checks.parts import Images, check_part, kind_of
from searchctl.trainer.settings.training import TrainSettings
from tests.own_parts.own_modules import EXAMPLE
from tests.processes.in_process import searchctl

HERE = "tests.own_parts.own_modules"


@pytest.fixture(autouse=True)
def example(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE)


def failed(kind, name, **settings):
    found = check_part(kind, TrainSettings(**{kind: name, **settings}), Images(3, 3, (16, 16)))
    return {each.check: each.problem for each in found if each.problem}


@pytest.mark.parametrize(
    ("kind", "name", "settings"),
    [
        ("model", "my_nets:ResUNet", {"model_args": {"depth": 2, "width": 8}}),
        ("loss", "my_losses:Tversky", {}),
        ("loss", "torch.nn:CrossEntropyLoss", {}),
        ("optimizer", "torch.optim:NAdam", {}),
        ("lr_schedule", f"{HERE}:triangle", {}),
    ],
)
def test_parts_that_do_what_they_must_pass_every_check(kind, name, settings):
    assert failed(kind, name, **settings) == {}
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    ("kind", "name", "check", "problem"),
    [
        ("model", "Broken", "logits have the size of the images", "KeyError: 'missing'"),
        ("model", "AlwaysSame", "first weights repeat by seed", "two seeds give the same"),
        ("model", "Noisy", "evaluation is not random", "use nn.Dropout, or test self.training"),
        ("model", "EvenOnly", "images of odd sides", "set an attribute `multiple`"),
        ("model", "Unused", "gradients reach every weight", "no gradient reaches spare.weight"),
        ("model", "Ends", "four images are learned by heart", f"right after {STEPS} steps"),
        ("loss", "higher_is_better", "a perfect prediction costs least", "lower must be better"),
        ("loss", "mean_of_images", "a finite scalar with a gradient", "return a scalar"),
        ("optimizer", "own_rate", "learning rates are those of the settings", "0.5"),
        ("lr_schedule", "negative", "learning rates are finite", "not negative"),
    ],
)
def test_what_is_wrong_is_found_by_the_check_of_that_name(kind, name, check, problem):
    assert problem in failed(kind, f"{HERE}:{name}").get(check, "")


def test_code_that_hangs_is_ended(tmp_path):
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(600)\n")
    request = Request([Part("slow:Net")])
    with pytest.raises(SearchctlError, match=r"take longer than 0\.1 s: look for code that waits"):
        list(check_apart(request, tmp_path, limit_s=0.1))


def test_the_command_reports_each_check_and_fails_with_one(tmp_path):
    (tmp_path / "mine.py").write_text("import torch\nprint('hello')\n\ndef loss(a, b):\n    a.x\n")
    done = searchctl("check", "mine:loss", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["ok"]) == (1, False)
    assert found["checks"][0] == {
        "part": "mine:loss",
        "check": "it can be built",
        "problem": None,
        "note": "",
    }
    problem = found["checks"][1]["problem"]
    assert "AttributeError: 'Tensor' object has no attribute 'x'" in problem
    assert "mine.py:5, in loss: a.x" in problem
    assert "searchctl/trainer" not in problem
