import pytest

from searchctl.orchestrator.config.parsing.expressions import MAX_LENGTH, ExpressionError, evaluate

DATA = "name: s\ndata: {dataset: scenes}\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sqrt(0.1)", 0.31622776601683794),
        ("0.1**0.5", 0.31622776601683794),
        ("0.1 ** .5", 0.31622776601683794),
        ("2**4", 16),
        ("2**64", 2**64),
        ("10**-3", 0.001),
        ("1e-3**2", 1e-6),
        ("-2**2", -4),
        ("2**3**2", 512),
        ("(1 + 2) * 3 - 2**1 / 4", 8.5),
        ("sqrt(sqrt(16)) / 2", 1.0),
        ("+1**1", 1),
    ],
)
def test_an_expression_is_the_number_that_python_makes_of_it(text, value):
    assert evaluate(text) == value
    assert type(evaluate(text)) is type(value)


@pytest.mark.parametrize("number", [1e-12, 0.1, 0.3, 2, 3, 7.5, 1e10])
def test_both_ways_to_write_a_square_root_are_the_same_number(number):
    assert evaluate(f"sqrt({number})") == evaluate(f"{number}**0.5")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9**9**9", "is too large"),
        ("9.0**9.0**9", "is too large"),
        ("2**(9**9)", "is too large"),
        ("2**1023 * 2", "is too large"),
        ("1e999 * 2**1", "is too large"),
        ("1**1 / 0", "divides by zero"),
        ("0**-1", "divides by zero"),
        ("sqrt(-1)", "has no real value"),
        ("(-8)**(1/3)", "has no real value"),
        ("sqrt(", "is not a complete expression"),
        ("2**", "is not a complete expression"),
        ("sqrt(x)", "holds 'x'"),
        ("sqrt(1, 2)", "holds 'sqrt(1, 2)'"),
        ("__import__('os').system('true')**2", "holds '__import__"),
        ("'a' * 2**2", "holds ''a''"),
        ("[1] * 2**2", "holds '[1]'"),
        ("True**2", "holds 'True'"),
        ("1j**2", "holds '1j'"),
        ("2**2 % 3", "holds '2 ** 2 % 3'"),
        ("1" * MAX_LENGTH + "**1", "is longer than"),
    ],
)
def test_what_is_no_finite_number_is_refused_with_the_reason(text, problem):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text)
    assert str(caught.value).startswith(problem)


def test_a_trial_is_the_same_however_its_number_was_written(sweep_of):
    texts = ("sqrt(0.1)", "0.1**0.5", "0.31622776601683794")
    sweeps = [sweep_of(f"{DATA}space: {{lr_decay: [1, {text}, 0.1]}}") for text in texts]
    first, *others = [sweep.trials() for sweep in sweeps]
    assert [dict(params)["lr_decay"] for params in first] == [1, 0.31622776601683794, 0.1]
    assert others == [first, first]


def test_a_whole_number_may_be_written_as_a_power(sweep_of):
    sweep = sweep_of(f"{DATA}training: {{batch_size: 2**3}}\nspace: {{width: [2**3, 2**4]}}")
    assert sweep.training.batch_size == 8
    assert [params["width"] for params in sweep.trials()] == [8, 16]


def test_the_two_ends_of_an_interval_and_a_bundle_take_expressions(sweep_of):
    space = "{lr: {low: 10**-4, high: 10**-2, log: true}, points: [{lr_decay: sqrt(0.1)}, {}]}"
    sweep = sweep_of(f"{DATA}search: {{method: random, trials: 5}}\nspace: {space}")
    assert all(1e-4 <= params["lr"] <= 1e-2 for params in sweep.trials())
    assert {params.get("lr_decay") for params in sweep.trials()} == {None, 0.31622776601683794}


def test_a_bad_expression_is_reported_at_its_line(refused):
    assert refused(f"{DATA}space:\n  lr_decay: [1,\n    1/0**1]\n") == [
        "sweep.yaml:5 space.lr_decay[1]: '1/0**1' divides by zero: "
        "write a number, or put it in quotes if it is a text"
    ]
