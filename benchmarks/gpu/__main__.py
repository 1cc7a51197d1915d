"""Tests a machine with one GPU, and writes what holds there to one JSON; needs no network.

    python benchmarks/gpu [--out FILE] [--only SECTION] [--device cpu] [--tiny] [--peak-tflops N]

Takes less than 8 minutes: each section runs in a process of its own, which is ended after the
seconds in SECTIONS. A section that fails leaves its error in the JSON, and the others run. The exit
code is 1 if one failed or a check did not pass.

It needs torch and what the trainer needs, which are small wheels: numpy, pydantic, pillow,
opencv-python-headless, safetensors, universal-pathlib, and for DeepLabV3 and UPerNet timm and
torchvision, for colour jitter albumentations. Ray, Optuna and SQLAlchemy are needed for the idle
share alone, which else is 'not measured'. Nothing has to be installed of searchctl itself.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
SECTIONS = {
    "precision": ("correctness", 50),
    "resume": ("correctness", 40),
    "out_of_memory": ("correctness", 30),
    "two_processes": ("correctness", 45),
    "pinned_loading": ("correctness", 20),
    "ddp": ("correctness", 40),
    "speed": ("speed", 95),
    "defaults": ("defaults", 45),
    "shares": ("speed", 25),
    "augmentation": ("speed", 25),
    "idle": ("idle", 60),
}
"""Module and most seconds of each section: 475 together."""
LONGER_ON_CPU = 4
PARTS = {"one_job": ("correctness", 60)}
START_S = 20
"""Seconds of a section that its own measurements leave for imports and the start of CUDA."""


def main():
    """Run all sections, or the one of `--section` in this process."""
    chosen = arguments()
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    if chosen.section:
        result = run_here(chosen.section, chosen)
        print(json.dumps(result))
        return
    sys.exit(run_all(chosen))


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE.parent / "results" / "gpu.json")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu")
    parser.add_argument("--tiny", action="store_true", help="smallest sizes, for a test")
    parser.add_argument("--peak-tflops", type=float, help="the card's peak of bf16 in TFLOP/s")
    parser.add_argument("--only", action="append", choices=SECTIONS, help="run this section")
    parser.add_argument("--section", choices=[*SECTIONS, *PARTS], help=argparse.SUPPRESS)
    return parser.parse_args()


def run_here(name, chosen):
    """Run a section in this process; an error is a result."""
    sys.path[:0] = [str(HERE.parents[1]), str(HERE)]
    module, seconds = (SECTIONS | PARTS)[name]
    try:
        import torch

        device = torch.device(chosen.device)
        if device.type == "cuda" and not torch.cuda.is_available():
            raise RuntimeError("torch sees no GPU here; for a test without one: --device cpu")
        if device.type == "cuda":  # some functions of torch need its number
            device = torch.device("cuda", device.index or 0)
        from bench_jobs import Setup

        from searchctl.trainer import TrainSettings
        from searchctl.trainer.run.torch_state import own_torch_state

        budget = 0.5 if chosen.tiny else seconds - START_S
        setup = Setup(device, chosen.tiny, budget, chosen.peak_tflops)
        with own_torch_state(TrainSettings(), device):
            return getattr(import_module(module), name)(setup)
    except Exception:
        return {"error": traceback.format_exc()}


def run_all(chosen):
    """Run each section in its own process, and write the JSON after each; return the exit code."""
    # Ray's processes may write to it for a moment after they were ended
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["XDG_CACHE_HOME"] = os.environ["TMPDIR"] = folder
        found = {"what": "checks and speed of a GPU", "tiny": chosen.tiny, **machine(chosen.device)}
        found["sections"] = sections = {}
        for name in chosen.only or SECTIONS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            longer = LONGER_ON_CPU if chosen.device == "cpu" else 1
            sections[name] = in_process(name, chosen, longer * SECTIONS[name][1])
            found["failed"] = [each for each, result in sections.items() if failed(result)]
            write(found, chosen.out)
    print(json.dumps(found, indent=2))
    return 1 if found["failed"] else 0


def machine(device):
    """Describe the machine and the card, in a process that ends: it would keep its memory."""
    code = (
        "import json, sys; sys.path[:0] = sys.argv[1:3]\n"
        "import cards, machine, torch\n"
        "print(json.dumps({'machine': machine.describe(), "
        "'card': cards.describe(torch.device(sys.argv[3]))}))"
    )
    call = [sys.executable, "-c", code, str(HERE), str(HERE.parent), device]
    described = subprocess.run(call, capture_output=True, text=True)
    if described.returncode:
        return {"machine": {}, "card": described.stderr.strip().splitlines()[-1]}
    return json.loads(described.stdout)


def in_process(name, chosen, seconds):
    """Run a section in a process of its own, and end it with its children when its time is up."""
    started = time.perf_counter()
    call = [sys.executable, str(HERE / "__main__.py"), "--section", name, "--device", chosen.device]
    call += ["--tiny"] * chosen.tiny
    call += ["--peak-tflops", str(chosen.peak_tflops)] if chosen.peak_tflops else []
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            call, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
        try:
            written, _ = process.communicate(timeout=seconds)
            result = read(written, process.returncode, errors)
        except subprocess.TimeoutExpired:
            result = {"error": f"took longer than {seconds} s"}
        finally:
            end_group(process)
    return {"seconds": round(time.perf_counter() - started, 1), **result}


def read(written, code, errors):
    """Return what a section printed last; if it died, its last words."""
    if code == 0:
        return json.loads(written.splitlines()[-1])
    errors.seek(0)
    return {"error": f"ended with {code}: {errors.read()[-2000:]}"}


def end_group(process):
    """Kill what is left of a section, its children too."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def failed(result):
    """Did a section raise an error, or a check of it not pass?"""
    return "error" in result or result.get("passed") is False


def write(found, path):
    """Write the JSON as it is so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
