"""A user's own code: what it is made of, how it is stored, and which version a process imports."""

import sys

import pytest
from upath import UPath

from searchctl.orchestrator.config.sweep import Sweep
from searchctl.orchestrator.core.errors import SearchctlError
from searchctl.orchestrator.own_code import collect
from searchctl.orchestrator.own_code.child import import_apart
from searchctl.orchestrator.own_code.collect import Collected, collect_code
from searchctl.orchestrator.own_code.names import names_used, own_names, own_networks
from searchctl.orchestrator.own_code.stored import (
    changed_files,
    recovered_code,
    store_code,
    stored_code,
)
from searchctl.trainer.core.errors import CodeError
from searchctl.trainer.own_code.files import check_names
from searchctl.trainer.own_code.imports import use_code, use_contents

SWEEP = {"name": "x", "data": {"dataset": "scenes"}, "space": {"lr": [0.1, 0.01]}}


@pytest.fixture
def folder(tmp_path):
    """A user's directory: a module that imports one of a package, and files of other purposes."""
    files = {
        "my_net.py": "from nets.blocks import WIDTH\nclass Net: width = WIDTH\n",
        "nets/__init__.py": "",
        "nets/blocks.py": "WIDTH = 4\n",
        "nets/unused.py": "raise ImportError\n",
        "sweep.yaml": "name: x\n",
        "tables/weights.json": "[1]\n",
        "tables/picture.png": "",
        "tables/.hidden": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture(autouse=True)
def _no_code_afterwards():
    yield
    use_code(None)


def contents(width):
    return {"own_widths.py": f"WIDTH = {width}\n".encode()}


def imported_width():
    import own_widths

    return own_widths.WIDTH


def test_the_closure_is_what_a_part_imports_and_no_other_file_of_the_directory(folder):
    assert import_apart(folder, ["my_net:Net"]) == (
        "my_net.py",
        "nets/__init__.py",
        "nets/blocks.py",
    )
    assert not [*folder.rglob("__pycache__")]


def test_each_part_that_cannot_be_imported_is_named_with_the_users_own_lines(folder):
    (folder / "broken.py").write_text("import json\n\njson.loads('{')\n")
    with pytest.raises(SearchctlError) as refused:
        import_apart(folder, ["broken:Net", "my_net:Nett", "absent:Net"])
    broken, missing, absent = refused.value.messages
    assert broken.startswith('broken:Net cannot be imported:\n  File "broken.py", line 3')
    assert broken.count("File") == 1  # none of json's own
    assert "module 'my_net' has no attribute 'Nett'" in missing
    assert "No module named 'absent'" in absent


def test_a_network_that_is_neither_a_module_class_nor_callable_is_refused_by_name(folder):
    (folder / "other.py").write_text("WIDTH = 4\ndef net(): ...\n")
    names = ["my_net:Net", "other:WIDTH", "other:net"]
    with pytest.raises(SearchctlError) as refused:
        import_apart(folder, names, networks=names)
    net, width = refused.value.messages
    assert net.startswith("my_net:Net is no network: it must be a torch.nn.Module class")
    assert width.startswith("other:WIDTH is no network")


@pytest.mark.parametrize(
    ("body", "limit_s", "message"),
    [
        ("import time; time.sleep(600)", 1, "takes longer than 1 s"),
        ("import os; print('so far', flush=True); os._exit(3)", 60, "with exit code 3:\nso far"),
        ("raise SystemExit(0)", 60, "cannot be imported"),
    ],
)
def test_an_import_that_does_not_return_ends_with_an_error(folder, body, limit_s, message):
    (folder / "odd.py").write_text(body)
    with pytest.raises(SearchctlError, match=message):
        import_apart(folder, ["odd:Net"], limit_s)


def test_code_adds_files_that_imports_do_not_show_but_neither_images_nor_hidden_files(folder):
    found = collect_code(folder, [], ["tables", "nets/unused.py"])
    assert [*found.files] == ["nets/unused.py", "tables/weights.json"]


def test_a_path_outside_of_the_directory_travels_under_its_own_name(folder, tmp_path_factory):
    shared = tmp_path_factory.mktemp("shared") / "shared_layers.py"
    shared.write_text("A = 1\n")
    assert [*collect_code(folder, [], [str(shared)]).files] == ["shared_layers.py"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("absent.py", "there is no .*absent.py: name files or directories"),
        ("tables/picture.png", "is data, and only code travels"),
        ("numpy.py", "numpy.py hides the module 'numpy' of a library: rename it"),
    ],
)
def test_a_path_that_cannot_travel_is_refused_by_name(folder, path, message):
    (folder / "numpy.py").write_text("")
    with pytest.raises(SearchctlError, match=message):
        collect_code(folder, [], [path])


def test_a_path_never_takes_the_place_of_a_file_that_is_imported(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other") / "my_net.py"
    other.write_text("class Net: width = 5\n")
    with pytest.raises(SearchctlError, match=r"my_net.py and .* have the same name: my_net.py"):
        collect_code(folder, ["my_net:Net"], [str(other)])
    assert "my_net.py" in collect_code(folder, ["my_net:Net"], ["my_net.py"]).files


def test_too_much_code_is_refused_with_its_largest_files(folder, monkeypatch):
    monkeypatch.setattr(collect, "LIMIT_BYTES", 10)
    with pytest.raises(SearchctlError, match=r"the largest are my_net.py \(0.0 MB\), nets/"):
        collect_code(folder, [], ["my_net.py", "nets"])


def test_a_file_that_cannot_be_read_is_an_error_with_its_reason(folder):
    with pytest.raises(SearchctlError, match=r"code: cannot read .*Input/output error"):
        collect_code(folder, [], ["/proc/self/mem"])


@pytest.mark.parametrize("runs", ["{tmp}/runs", "memory://own-code/runs"])
def test_stored_code_is_what_was_collected_on_any_kind_of_store(folder, tmp_path, runs):
    found = collect_code(folder, [], ["my_net.py", "nets"])
    code = store_code(found, UPath(runs.format(tmp=tmp_path)))
    assert code.contents() == found.contents
    assert code == store_code(found, UPath(runs.format(tmp=tmp_path)))


def test_a_copy_that_was_changed_is_never_imported_and_is_copied_again(folder, tmp_path):
    found = collect_code(folder, [], ["my_net.py", "nets"])
    code = store_code(found, UPath(tmp_path / "runs"))
    (code.folder / "my_net.py").write_text("raise SystemExit")
    with pytest.raises(
        CodeError, match=r"my_net.py in .*: missing, or changed since it was stored"
    ):
        use_code(code)
    recovered = recovered_code(code, [])
    assert code.damaged() == ["my_net.py"]  # nothing is written before it is stored
    assert store_code(recovered, UPath(tmp_path / "runs")).contents() == found.contents


def test_a_changed_file_is_named_and_neither_other_files_nor_missing_ones_are(folder, tmp_path):
    code = store_code(collect_code(folder, [], ["my_net.py", "nets"]), UPath(tmp_path / "runs"))
    (folder / "sweep.yaml").write_text("name: y\n")
    (folder / "nets/blocks.py").unlink()
    assert changed_files(code, ["my_net.py"]) == []
    (folder / "my_net.py").write_text("class Net: pass\n")
    assert changed_files(code, ["my_net.py"]) == ["my_net.py"]


def test_the_hash_is_of_names_and_contents():
    one = Collected(UPath("/a"), {"a.py": b"1", "b.py": b"2"})
    assert one.hash == Collected(UPath("/b"), {"b.py": b"2", "a.py": b"1"}).hash
    others = ({"a.py": b"1", "b.py": b"3"}, {"a.py": b"1", "c.py": b"2"}, {"a.py": b"1"})
    assert one.hash not in {Collected(UPath("/a"), other).hash for other in others}


def test_two_versions_of_a_module_in_one_process_do_not_mix(tmp_path):
    use_contents(contents(1), "")
    assert imported_width() == 1
    first = sys.modules["own_widths"]
    use_contents(contents(1), "")
    assert sys.modules["own_widths"] is first
    use_contents(contents(2), "")
    assert imported_width() == 2
    use_code(None)
    with pytest.raises(ModuleNotFoundError):
        imported_width()


def test_the_directory_of_the_sweep_file_is_not_searched_while_its_copy_is(tmp_path, monkeypatch):
    (tmp_path / "own_widths.py").write_text("WIDTH = 3\n")
    (tmp_path / "own_lazy.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert imported_width() == 3
    use_contents(contents(1), str(tmp_path))
    assert imported_width() == 1
    with pytest.raises(ModuleNotFoundError):
        __import__("own_lazy")
    use_code(None)
    assert imported_width() == 3


def test_a_copy_in_the_temporary_directory_that_was_changed_is_written_again(tmp_path):
    use_contents(contents(5), "")
    assert imported_width() == 5
    copy = sys.modules["own_widths"].__file__
    use_code(None)
    with open(copy, "w") as file:
        file.write("WIDTH = 6\n")
    use_contents(contents(5), "")
    assert imported_width() == 5


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.py", "a/../../b.py", "searchctl/x.py", "."])
def test_a_name_that_leaves_the_directory_or_replaces_searchctl_is_refused(name):
    with pytest.raises(ValueError, match="cannot be a file of own code"):
        check_names([name])


def test_the_hash_of_own_code_is_a_part_of_the_spec_and_no_code_changes_no_hash():
    sweep = Sweep.from_json(SWEEP)
    with_code = Sweep.from_json({**SWEEP, "code_files": {"a.py": "0" * 64}})
    assert "code" not in sweep.spec()
    assert with_code.spec()["code"] == {"a.py": "0" * 64}
    assert with_code.spec_hash != sweep.spec_hash


def test_only_trials_with_own_parts_use_own_code():
    models = ["unet", "my_net:Net", "other.nets:Net"]
    sweep = Sweep.from_json({**SWEEP, "space": {"model": models, "lr": [0.1, 0.01]}})
    assert own_names(sweep) == own_networks(sweep) == models[1:]
    used = [names_used(sweep, [sweep.recipe.with_params(each)]) for each in sweep.trials()[::2]]
    assert used == [[], [models[1]], [models[2]]]


def test_code_of_a_sweep_is_known_without_its_files(tmp_path):
    code = stored_code({"a.py": "0" * 64}, UPath(tmp_path), "")
    assert code.folder.name == code.hash[:16]
