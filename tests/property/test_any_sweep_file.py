"""No file makes the reading of a sweep take long or end in anything but an error with its place."""

import resource
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from searchctl.orchestrator.config.load import load_sweep
from searchctl.orchestrator.config.parsing.problems import SweepError
from searchctl.orchestrator.planning.plan import plan_sweep

SECTIONS = {
    "name": "bounded",
    "data": "{dataset: scenes, train: 16, val: 4, test: 4}",
    "training": "{epochs: 2}",
    "space": "{lr: [0.1, 0.01]}",
}
SECONDS, BYTES = 3, 300 << 20


def text(**changes):
    return "".join(f"{key}: {value}\n" for key, value in (SECTIONS | changes).items())


def aliases(first):
    lines = [f"a0: &a0 {first}"]
    for number in range(1, 10):
        repeated = ", ".join([f"*a{number - 1}"] * 9)
        lines.append(f"a{number}: &a{number} [{repeated}]")
    return text() + "\n".join(lines)


def outcome(folder, content):
    """The error message of a file, or None if it yields a plan."""
    file = folder / "sweep.yaml"
    file.write_text(content, encoding="utf-8")
    cpu = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        plan_sweep(load_sweep(file))
        message = None
    except SweepError as error:
        message = str(error)
    assert time.process_time() - cpu < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10 < BYTES
    return message


MANY = 20_000
LISTED = [number / 100_000 for number in range(1, 3001)]
BOUNDED = [
    (text(space=f"{{lr: {LISTED}, weight_decay: {LISTED}}}"), "9,000,000 trials are too many"),
    (aliases("[x]"), "holds more than 10,000 keys and values"),
    (aliases("{x: 1}"), "holds more than 10,000 keys and values"),
    (text(space="{lr: " + "[" * 400 + "]" * 400 + "}"), "4 is nested more than 20 levels deep"),
    (text(x="{a: " * 100 + "1" + "}" * 100), "5 is nested more than 20 levels deep"),
    (text(halving="{min_fraction: '1e-999999999'}"), "5 halving.min_fraction: must be a fraction"),
    (text(halving="{fractions: ['1/1" + "0" * 90 + "', 1]}"), "5 halving.fractions[0]: must be a"),
    (text(training=f"{{epochs: {10**18}}}"), "3 training.epochs: must be 100000 or less"),
    (text(halving=f"{{repeats: {10**9}}}"), "5 halving.repeats: must be 1000 or less"),
    (text(seed=10**400), "5 seed: must be below 9223372036854775808, not 1000"),
    (text(resources="{cpus_per_trial: 1e300}"), "5 resources.cpus_per_trial: must be 100000 or le"),
    (text(halving=f"{{finalists: {10**30}}}"), "5 halving.finalists: must be 1000000 or less"),
    (text() + "".join(f"k{n}: 1\n" for n in range(MANY)), "is larger than 128 KB"),
    (text() + "".join(f"k{n}: 1\n" for n in range(4000)), "and 3,950 more problems from here on"),
    (
        text(inference=f"{{scales: {list(range(1, 9000))}}}"),
        "5 inference.scales: must have no",
    ),
    (text(data=f"{{dataset: scenes, train: {10**12}}}"), "2 data.train: must be 1000000 or less"),
    (text(seed="!!bool maybe"), "5 seed: 'maybe' is no true or false"),
    (text(seed="!!int maybe"), "5 seed: 'maybe' is no number"),
    (text(seed="1" + "0" * 5000), "5 seed: '[...]' is no number"),
    (text(name='"\\ud800"'), r"1 name: holds the control character '\ud800'"),
    (text(storage='{runs: "a\\0b"}'), r"5 storage.runs: holds the control character '\x00'"),
    (text(storage="{runs: 'nosuch://x'}"), "5 storage.runs: unknown scheme 'nosuch'"),
    (text(storage="{runs: ~nosuchuser/x}"), "5 storage.runs: there is no home directory"),
    (text(loggers="{tensorboard: ~nosuchuser/x}"), "5 loggers.tensorboard: there is no home dir"),
    (text(training="{encoder: 'hf-hub:a/b', model: upernet}"), "3 training.encoder: 'hf-hub:a/b'"),
    (text(training="{encoder: 'local-dir:/etc', model: upernet}"), "3 training.encoder: 'local-di"),
    (text(training="{model: 'smp:fpn/tu-hf-hub:a/b'}"), "3 training.model: 'tu-hf-hub:a/b' names"),
]


@pytest.mark.parametrize(("content", "message"), BOUNDED, ids=[message for _, message in BOUNDED])
def test_a_file_without_bounds_is_refused_with_its_place(tmp_path, content, message):
    assert message in outcome(tmp_path, content)


SCALARS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        [
            "true",
            "null",
            "2026-01-01",
            "0x1f",
            "1e999",
            "~",
            "*a",
            "1_000",
            "&a 1",
            "!!bool x",
            "!!float y",
            "!x z",
            '"\\0"',
            '"\\e"',
            '"\\x7f"',
            '"\\u200b"',
            "!!binary aGk=",
            "!!set {a}",
        ]
    ),
    st.text(max_size=8).map(repr),
)
KEYS = ["lr", "model", "values", "low", "high", "when", "dataset", "train", "points", "x", "log"]
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(st.sampled_from(KEYS), inner), max_size=4).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
        ),
    ),
    max_leaves=12,
)
TOP = ["name", "seed", "data", "training", "space", "search", "halving", "inference", "report"]
TOP += ["resources", "storage", "budget", "hooks", "loggers", "unknown"]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.dictionaries(st.sampled_from(TOP), VALUES, max_size=5))
def test_every_structured_file_is_planned_or_refused(tmp_path, changes):
    outcome(tmp_path, text(**changes))
