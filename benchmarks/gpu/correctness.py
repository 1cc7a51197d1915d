"""Checks whether a card's numbers are right: against a CPU's, after a resume, by other ways."""

import json
import subprocess
import sys
import time
from pathlib import Path

import torch
from bench_jobs import completed, distance, job, weights_of
from safetensors.torch import load_file

from searchctl.trainer import run_job
from searchctl.trainer.data.loader import TrainingBatches, load_sample
from searchctl.trainer.ddp.launcher import run_distributed
from searchctl.trainer.evaluation.evaluate import evaluate
from searchctl.trainer.run.preparation import prepare

ROUNDING = 0.02
"""Largest relative difference of an epoch's loss between two runs on a card: the sums of a card
have no fixed order, and a difference grows from step to step."""
SAME_WEIGHTS = {"fp32": 0.005, "bf16": 0.03}
"""Largest relative difference of the validation loss of the same weights from a CPU's, by
precision. Convolutions in fp32 may use TF32, whose mantissa has 10 bits; that of bf16 has 7."""
TRAINED = {"fp32": 0.05, "bf16": 0.1}
"""The same for the losses of all epochs of a training."""
MEMORY_GIB = 1.0
"""Memory of the card that the job without enough of it may use."""


def precision(setup):
    """Compare scores of the same weights, and trainings, with those of a CPU in fp32."""
    reference = completed(job(setup, device="cpu", precision="fp32", keep_weights=True))
    loss = reference.evaluations["val"].loss
    found = {"cpu": {"val_miou": reference.score, "val_loss": loss}}
    passed = True
    for name, bound in SAME_WEIGHTS.items():
        prepared = prepare(job(setup, precision=name), setup.device)
        prepared.training.model.load_state_dict(load_file(weights_of(reference)))
        scored = _scored(prepared)
        trained = completed(job(setup, precision=name))
        found[name] = {
            "same weights: val_miou": scored.miou,
            "same weights: relative difference of val_loss": abs(scored.loss - loss) / loss,
            "trained: val_miou": trained.score,
            "trained: relative difference of train_loss": distance(trained, reference),
        }
        near = found[name]["same weights: relative difference of val_loss"] <= bound
        passed &= near and distance(trained, reference) <= TRAINED[name]
    return {"passed": passed, "bounds": {"same weights": SAME_WEIGHTS, "trained": TRAINED}, **found}


def _scored(prepared):
    model, batch = prepared.training.model, prepared.settings.batch_size
    split, how = prepared.validation, prepared.precision
    return evaluate(model, split, how, batch_size=batch, stop=lambda: False)[0]


def resume(setup):
    """Stop a job after its second epoch, resume it, and compare it with two undisturbed ones."""
    whole, again = completed(job(setup)), completed(job(setup))
    seen = []
    stopped = job(setup, checkpoint_every_s=0.0)
    first = run_job(stopped, on_epoch=seen.append, stop=lambda: len(seen) >= 2)
    resumed = completed(job(setup, resume_from=(stopped.out,)))
    noise, found = distance(again, whole), distance(resumed, whole)
    from_checkpoint = (first.status, resumed.first_epoch) == ("stopped", 3)
    near = found <= max(ROUNDING, 3 * noise) if setup.on_gpu else found == 0
    return {
        "passed": from_checkpoint and near,
        "first epoch after the resume": resumed.first_epoch,
        "exact": found == 0 and resumed.score == whole.score,
        "relative difference of train_loss": found,
        "the same between two undisturbed runs": noise,
        "difference of val_miou": abs(resumed.score - whole.score),
    }


def out_of_memory(setup):
    """Run a job that does not fit, then one that does, in one process."""
    before = completed(job(setup))
    if setup.on_gpu:
        whole = torch.cuda.get_device_properties(setup.device).total_memory
        torch.cuda.set_per_process_memory_fraction(MEMORY_GIB * 2**30 / whole, setup.device)
        large = job(setup, width=96, batch_size=32)
    else:  # the second convolution has 2.5 TB of weights
        large = job(setup, width=2**18)
    result = run_job(large)
    lines = (result.error or "").strip().splitlines()
    after = completed(job(setup))
    ended = result.status == ("out_of_memory" if setup.on_gpu else "lost")
    return {
        "passed": ended and distance(after, before) <= (ROUNDING if setup.on_gpu else 0),
        "status": result.status,
        "message": lines[0] if lines else None,
        "relative difference of train_loss after it": distance(after, before),
    }


def two_processes(setup):
    """Run one job alone, then twice at the same time, each in a process of its own."""
    alone = one_job(setup)
    program = str(Path(__file__).with_name("__main__.py"))
    call = [sys.executable, program, "--device", str(setup.device), "--section", "one_job"]
    call += ["--tiny"] * setup.tiny
    given = {"stdout": subprocess.PIPE, "stdin": subprocess.DEVNULL}
    processes = [subprocess.Popen(call, **given) for _ in range(2)]
    both = [json.loads(each.communicate()[0].splitlines()[-1]) for each in processes]
    if errors := [each["error"] for each in both if "error" in each]:
        raise RuntimeError(errors[0])
    differences = [abs(each["loss"] - alone["loss"]) / alone["loss"] for each in both]
    return {
        "passed": max(differences) <= (ROUNDING if setup.on_gpu else 0),
        "relative differences of the last train_loss": differences,
        "seconds of the job alone": alone["seconds of the job"],
        "seconds of the two jobs": [each["seconds of the job"] for each in both],
    }


def one_job(setup):
    """Run one job, the second of its process; a part of `two_processes`."""
    completed(job(setup))
    result = completed(job(setup))
    return {"loss": result.epochs[-1].train_loss, "seconds of the job": round(result.seconds, 2)}


def pinned_loading(setup):
    """Load one epoch's batches in between, and ahead by threads; compare them on the device."""
    epochs, seconds = {}, {}
    for workers in (0, 4):
        split = load_sample(job(setup).sample)
        batches = TrainingBatches(split, batch_size=8, augment="flip_crop", seed=0, workers=workers)
        started = time.perf_counter()
        epochs[workers] = [
            (images.is_pinned(), images.to(setup.device, non_blocking=True))
            for images, _ in batches.epoch(1)
        ]
        if setup.on_gpu:
            torch.cuda.synchronize(setup.device)
        seconds[workers] = time.perf_counter() - started
    pairs = list(zip(epochs[0], epochs[4], strict=True))
    pinned = all(first[0] and second[0] for first, second in pairs)
    equal = all(torch.equal(first[1], second[1]) for first, second in pairs)
    images = len(split.names)
    return {
        "passed": equal and pinned == setup.on_gpu,
        "pinned": pinned,
        "equal": equal,
        "images_per_second": {f"{n} threads": round(images / s) for n, s in seconds.items()},
    }


def ddp(setup):
    """Train one job by DistributedDataParallel in one process: NCCL on a card, gloo on a CPU."""
    alone = completed(job(setup))
    result = run_distributed(job(setup, device=setup.device.type), processes=1)
    if result.status != "complete":
        raise RuntimeError(f"the job ended as {result.status}: {result.error}")
    return {
        "passed": distance(result, alone) <= ROUNDING,
        "backend": "nccl" if setup.on_gpu else "gloo",
        "exact": distance(result, alone) == 0,
        "relative difference of train_loss": distance(result, alone),
    }
