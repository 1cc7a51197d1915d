import pytest

DATA = "name: s\ndata: {dataset: scenes}\n"
GOOD = f"{DATA}space: {{lr: [0.1, 0.01]}}\n"


def test_two_problems_are_reported_at_once_each_with_its_line(refused):
    text = """\
        name: s
        data: {dataset: scenes}
        training:
          epoch: 3
        space:
          lr:
            low: 0
            high: 0.1
            log: true
        """
    assert refused(text) == [
        "sweep.yaml:4 training.epoch: unknown key 'epoch': did you mean 'epochs'?",
        "sweep.yaml:6 space.lr: 'log' needs low > 0",
    ]


def test_a_fault_in_a_pipeline_has_its_line_and_brings_no_other_one_about(refused):
    text = f"""{DATA}training:
  epochs: 1
  augment: {{Compose: [{{HorizontlFlip: {{}}}}]}}
space: {{augment.RandomScal.scale_limit: [0.2, 0.5]}}
"""
    (line,) = refused(text)
    assert line.startswith("sweep.yaml:5 training.augment.Compose[0].HorizontlFlip: unknown tr")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "training: {aspp_rates: [6, 0]}",
            "4 training.aspp_rates: must be such as [6, 12, 18], not",
        ),
        ("sede: 1", "4 sede: unknown key 'sede': did you mean 'seed'?"),
        (
            "training: {model: unett}",
            "4 training.model: unknown model 'unett': did you mean",
        ),
        ("training: {lr: fast}", "4 training.lr: must be a number, not 'fast'"),
        ("training: {epochs: 2.5}", "4 training.epochs: must be a whole number, not 2.5"),
        ("training: {batch_size: 0}", "4 training.batch_size: must be 1 or more, not 0"),
        ("training: {dropout: 1}", "4 training.dropout: must be below 1, not 1"),
        ("training: {amsgrad: 7}", "4 training.amsgrad: must be true or false, not 7"),
        ("training: {validate: {evry: 1}}", "4 training.validate.evry: unknown key 'evry': did"),
        ("training: {finetune: al}", "or last_K (K stages of the encoder), not 'al'"),
        ("training: {channels_last: x}", "4 training.channels_last: must be 'auto'"),
        ("training: {focal_gamma: 0.5}", "4 training.focal_gamma: has no finite gradient"),
        ("training: 3", "4 training: must be a mapping"),
        ("halving: {eta: 1}", "4 halving.eta: eta 1 would drop no trial: use 2 or more"),
        ("halving: {eta: 0}", "4 halving.eta: must be 2 or more, not 0"),
        ("halving: {finalists: 0}", "4 halving.finalists: must be 1 or more, not 0"),
        (
            "halving: {continue: wram}",
            "4 halving.continue: must be 'retrain' or 'warm', not",
        ),
        ("halving: {repeats: 0}", "4 halving.repeats: must be 1 or more, not 0"),
        ("halving: {audit: -1}", "4 halving.audit: must be 0 or more, not -1"),
        ("halving: {continue: warm, repeats: 2}", "4 halving.repeats: needs continue: retrain"),
        ("halving: {choose: mean}", "4 halving.choose: mean is over several seeds: write `repeats"),
        ("halving: {continue: warm, audit: 1}", "4 halving.audit: needs continue: retrain"),
        ("halving: {fractions: [1/2, 1/4, 1]}", "4 halving.fractions: must increase"),
        ("halving: {fractions: [1/4, 1/4, 1]}", "4 halving.fractions: must increase"),
        ("halving: {fractions: [1/4, 1/2]}", "4 halving.fractions: must end with 1"),
        ("halving: {fractions: []}", "4 halving.fractions: needs 1 or more entries"),
        (
            "halving: {fractions: [1/x, 1]}",
            "4 halving.fractions[0]: must be a fraction such as",
        ),
        (
            "halving: {fractions: [1], min_fraction: 1/2}",
            "4 halving.fractions: excludes min_",
        ),
        ("halving: {min_fraction: 2}", "4 halving.min_fraction: must be above 0 and not above 1"),
        ("halving: {min_fraction: 1/0}", "4 halving.min_fraction: must be a fraction"),
        (
            "search: {method: random}",
            "4 search.trials: is missing: set how many points random",
        ),
        ("search: {trials: 3}", "4 search.trials: a grid uses every point: leave it out"),
        ("search: {method: randm}", "did you mean 'random'?"),
        ("resources: {cpus_per_trial: 0}", "4 resources.cpus_per_trial: must be above 0, not 0"),
        (
            "resources: {gpus_per_trial: 1.5}",
            "4 resources.gpus_per_trial: must be a fraction below 1",
        ),
        ("storage: {url: ''}", "4 storage.url: must not be empty"),
        (
            "storage: {url: 'a://${NO_SUCH_VARIABLE}'}",
            "4 storage.url: the environment variable NO",
        ),
        ("seed: x", "4 seed: must be a whole number, not 'x'"),
        ("halving: {repeats: true}", "4 halving.repeats: must be a number, not true"),
        ("inference: {scales: [true]}", "4 inference.scales[0]: must be a number, not true"),
        ("inference: {scales: [1e9]}", "4 inference.scales: must be 16 or less, not 1e+09"),
    ],
)
def test_a_bad_setting_is_refused_with_line_path_and_fix(refused, text, problem):
    lines = refused(GOOD + text)
    assert len(lines) == 1
    assert problem in lines[0]


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ("{}", "3 space: nothing is searched: add an axis"),
        ("[1]", "3 space: must be a mapping"),
        ("{lr: 0.1}", "3 space.lr: a single value leaves nothing to search: put it under training"),
        ("{lrr: [1, 2]}", "3 space.lrr: unknown key 'lrr': did you mean 'lr'?"),
        ("{model: [unet, unett]}", "3 space.model[1]: unknown model 'unett'"),
        ("{lr: ['0.1', 0.1]}", "3 space.lr[0]: must be a number, not '0.1'"),
        ("{epochs: [1.5, 2]}", "3 space.epochs[0]: must be a whole number, not 1.5"),
        ("{aspp_rates: [6, 12]}", "3 space.aspp_rates: must be a list such as [6, 12, 18]; as an"),
        ("{dropout: {low: 0.0, high: 1.0}}", "3 space.dropout.high: must be below 1, not 1.0"),
        ("{points: [{lr: 1}, {lr: -1}]}", "3 space.points[1].lr: must be above 0, not -1"),
        (
            "{lr: {low: 0.1, high: 1.0}}",
            "search.method: a grid cannot list space.lr: give it",
        ),
        ("{lr_step: {low: 1, high: 1000000}}", "search.method: 1,000,000 trials are too many"),
        ("{width: {values: [8], when: {model: unet}}}", "'model' is never 'unet' in this sweep"),
    ],
)
def test_a_bad_space_is_refused_with_line_path_and_fix(refused, space, problem):
    lines = refused(f"{DATA}space: {space}")
    assert len(lines) == 1
    assert problem in lines[0]


def test_the_inside_of_an_interval_is_checked_too(refused):
    text = f"{DATA}space: {{focal_gamma: {{low: 0.0, high: 2.0}}}}\n"
    lines = refused(text + "search: {method: random, trials: 20}")
    assert len(lines) == 1
    assert "a trial with focal_gamma 0." in lines[0]
    assert "no finite gradient" in lines[0]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("{dataset: camvidd}", "data.dataset: unknown data set 'camvidd': did you mean 'camvid'?"),
        (
            "{dataset: x}",
            "data.dataset: unknown data set 'x': known are scenes, camvid, ",
        ),
        ("{image_size: [8, 8]}", "data.dataset: is missing: add it"),
        ("{dataset: camvid}", "data.root: is missing: add it"),
        ("{dataset: scenes, rot: 1}", "data.rot: unknown key 'rot'"),
        ("{dataset: scenes, image_size: [8]}", "data.image_size[1]: is missing"),
        ("{dataset: scenes, image_size: [8, 4]}", "data.image_size[1]: must be 8 or more, not 4"),
        (
            "{dataset: folder, root: x, image_size: [8, 8], classes: "
            "[{name: a, color: [0, 0, 0]}, {name: b, colour: [0, 0, 0]}]}",
            "data.classes[1].colour: unknown key 'colour': did you mean 'color'?",
        ),
        (
            "{dataset: folder, root: x, image_size: [8, 8], classes: "
            "[{name: a, id: 0}, {name: b, id: 300}]}",
            "data.classes[1].id: must be 255 or less, not 300",
        ),
        (
            "{dataset: folder, root: x, image_size: [8, 8], classes: [a, {name: b, id: 1}]}",
            "data.classes: its entries are of different kinds",
        ),
    ],
)
def test_bad_data_settings_are_refused_in_plain_words(refused, data, problem):
    text = "\n".join(refused(f"name: s\ndata: {data}\nspace: {{lr: [1]}}"))
    assert f"sweep.yaml:2 {problem}" in text
    assert not any(word in text for word in ("tag", "discriminator", "http", "Input should"))


def test_what_is_missing_has_the_line_of_what_is_above_it(refused):
    assert refused("seed: 1") == [
        "sweep.yaml:1 name: is missing: add it",
        "sweep.yaml:1 data: is missing: add it",
        "sweep.yaml:1 space: is missing: add it",
    ]


@pytest.mark.parametrize("name", ["a b", "../x", "", ".hidden", "a/b", "x" * 101])
def test_a_name_that_cannot_be_a_directory_is_refused(refused, name):
    (line,) = refused(GOOD.replace("name: s", f"name: '{name}'"))
    assert "sweep.yaml:1 name:" in line
    assert "letters, digits" in line


def test_a_problem_of_a_data_set_as_a_whole_is_at_the_key_data(refused):
    text = "name: s\ndata: {dataset: camvid, root: x, split: directories}\nspace: {lr: [1, 2]}\n"
    assert refused(text) == [
        "sweep.yaml:2 data: split: directories goes with layout: original (SegNet's has lists)"
    ]
