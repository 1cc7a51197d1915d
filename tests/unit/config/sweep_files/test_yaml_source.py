from io import StringIO

import pytest

from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.config.parsing.yaml_source import dump_yaml, load_yaml


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def load_text(text):
        (tmp_path / "sweep.yaml").write_text(text)
        return load_yaml(tmp_path.joinpath("sweep.yaml").relative_to(tmp_path))

    return load_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1", 1),
        ("1.0", 1.0),
        ("-.5", -0.5),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("null", None),
        ("1/16", "1/16"),
        ("2026-01-01", "2026-01-01"),
        ("'5'", "5"),
        ("[1, [a, 2]]", [1, ["a", 2]]),
        ("!!python/object:os.system x", "x"),
        ("sqrt(0.1)", 0.31622776601683794),
        ("0.1**0.5", 0.31622776601683794),
        ("[1, sqrt(0.1), {b: 2**4}]", [1, 0.31622776601683794, {"b": 16}]),
        ("'sqrt(0.1)'", "sqrt(0.1)"),
        ('"**"', "**"),
        ("1+1", "1+1"),
    ],
)
def test_scalars_follow_yaml_1_2(load, text, value):
    read = load(f"x: {text}").value["x"]
    assert read == value
    assert type(read) is type(value)


def test_every_path_has_its_line(load):
    source = load("# a comment\nname: x\nspace:\n  lr: [1,\n    2]\n  points:\n    - {a: 1}\n")
    assert source.lines == {
        (): 1,
        ("name",): 2,
        ("space",): 3,
        ("space", "lr"): 4,
        ("space", "lr", 0): 4,
        ("space", "lr", 1): 5,
        ("space", "points"): 6,
        ("space", "points", 0): 7,
        ("space", "points", 0, "a"): 7,
    }


def test_an_alias_equals_its_anchor(load):
    assert load("a: &lr [1, 2]\nb: *lr").value == {"a": [1, 2], "b": [1, 2]}


def test_an_empty_file_is_an_empty_mapping(load):
    assert load("# nothing yet\n").value == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2", "sweep.yaml:2 expected ',' or ']'"),
        ("a: 1\n\tb: 2", "sweep.yaml:2 found character '\\t'"),
        ("a: 1\nb: c: d", "sweep.yaml:2 mapping values are not allowed here"),
        ("a: *x", "sweep.yaml:1 found undefined alias 'x'"),
        ("a: 1\n---\nb: 2", "sweep.yaml:2 but found another document"),
        ("- 1", "sweep.yaml:1 must be a mapping"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "sweep.yaml:4 b.c: is written twice, line 3 has it too"),
        ("1: 2", "sweep.yaml:1 a key must be a text: put '1' in quotes"),
        ("a: &x [*x]", "sweep.yaml:1 a[0]: an alias must not contain itself"),
        (
            "a:\n  - 1\n  - sqrt(x)",
            "sweep.yaml:3 a[1]: 'sqrt(x)' holds 'x', not only numbers, + - *",
        ),
        (
            "a: runs/**/x",
            "sweep.yaml:1 a: 'runs/**/x' is not a complete expression: write a number, or",
        ),
    ],
)
def test_what_is_not_yaml_is_refused_with_file_and_line(load, text, message):
    with pytest.raises(SweepError) as caught:
        load(text)
    assert message in str(caught.value)


def test_all_keys_that_are_written_twice_are_reported(load):
    with pytest.raises(SweepError) as caught:
        load("a: 1\na: 2\nb: {c: 1, c: 2}")
    assert [problem.line for problem in caught.value.problems] == [2, 3]


def test_a_missing_file_and_a_binary_one_are_refused(tmp_path):
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.yaml", binary):
        with pytest.raises(SweepError, match="cannot be read"):
            load_yaml(path)


def test_what_is_dumped_reads_back_in_its_order(load):
    value = {
        "z": 1e-3,
        "a": [1, 2.0, None, True],
        "m": {"text": "yes", "quoted": "1", "power": "2**3"},
    }
    stream = StringIO()
    dump_yaml(value, stream)
    assert load(stream.getvalue()).value == value
    assert list(load(stream.getvalue()).value) == ["z", "a", "m"]
