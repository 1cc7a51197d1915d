"""The training script that every tuner starts: a plain PyTorch loop over a small FCN.

It prints a line of JSON for each epoch, through `searchctl.report_epoch`. What it trained on is
appended to the file $PEERS_SPENT. With --step it waits for a line of input after each epoch, so
that a tuner decides before the next epoch starts.
"""

import argparse
import ctypes
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

import searchctl
from searchctl.trainer.models.networks.simple_fcn import SimpleFCN

CLASSES, VOID, BATCH = 11, 11, 8
PR_SET_PDEATHSIG = 1


def load(data, lines):
    """Return images, [N, 3, H, W] in -0.5..0.5, and labels, [N, H, W]."""
    split = lines[0].split()[0]
    index = [int(line.split()[1]) for line in lines]
    with np.load(data / f"{split}.npz") as arrays:
        images, labels = arrays["images"][index], arrays["labels"][index]
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - 0.5
    return pixels.contiguous(), torch.from_numpy(labels).long()


def miou(model, images, labels):
    """Return the mean IoU of the classes that occur."""
    with torch.no_grad():
        found = torch.cat([model.eval()(part).argmax(1) for part in images.split(32)])
    valid = labels != VOID
    cells = torch.bincount((labels * CLASSES + found)[valid], minlength=CLASSES**2)
    cells = cells.reshape(CLASSES, CLASSES).double()
    union = cells.sum(0) + cells.sum(1) - cells.diag()
    there = cells.sum(1) > 0
    return float((cells.diag() / union)[there].mean())


class Optimizer:
    """AdamW, or SGD with momentum. Importing torch.optim would double the time of a start."""

    def __init__(self, name, params, weight_decay):
        self.name, self.params, self.weight_decay = name, list(params), weight_decay
        self.steps = 0
        self.means, self.squares = ([torch.zeros_like(p) for p in self.params] for _ in range(2))

    def step(self, lr):
        """Change the parameters by their gradients, and drop these."""
        self.steps += 1
        update = self._adam if self.name == "adam" else self._sgd
        with torch.no_grad():
            for each in zip(self.params, self.means, self.squares, strict=True):
                update(*each, lr)
                each[0].grad = None

    def _sgd(self, param, mean, square, lr):
        mean.mul_(0.9).add_(param.grad).add_(param, alpha=self.weight_decay)
        param.sub_(mean, alpha=lr)

    def _adam(self, param, mean, square, lr):
        param.mul_(1 - lr * self.weight_decay)
        mean.lerp_(param.grad, 0.1)
        square.lerp_(param.grad**2, 0.001)
        scale = (square / (1 - 0.999**self.steps)).sqrt_().add_(1e-8)
        param.addcdiv_(mean / (1 - 0.9**self.steps), scale, value=-lr)


def train_epoch(model, optimizer, images, labels, *, seed, lr):
    """Train on every image once, in an order that the seed gives."""
    torch.manual_seed(seed)
    for batch in torch.randperm(len(images)).split(BATCH):
        logits = model.train()(images[batch])
        loss = nn.functional.cross_entropy(logits, labels[batch], ignore_index=VOID)
        loss.backward()
        optimizer.step(lr)


def spend(trained, validated):
    if file := os.environ.get("PEERS_SPENT"):
        with open(file, "ab", buffering=0) as out:
            out.write(json.dumps({"trained": trained, "validated": validated}).encode() + b"\n")


def main(args):
    if args.step:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    spend(0, 0)
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    model = SimpleFCN(CLASSES, width=16, dropout=args.dropout)
    optimizer = Optimizer(args.optimizer, model.parameters(), args.weight_decay)
    first = 1
    if args.resume and (Path(args.resume) / "last.pt").exists():
        stored = torch.load(Path(args.resume) / "last.pt")
        model.load_state_dict(stored["model"])
        optimizer.means, optimizer.squares = stored["means"], stored["squares"]
        optimizer.steps, first = stored["steps"], stored["epoch"] + 1
    data = Path(args.data)
    lists = {name: Path(getattr(args, name)) for name in ("train", "val", "test")}
    sets = {n: load(data, p.read_text().splitlines()) for n, p in lists.items() if p.name}
    for epoch in range(first, (args.last or args.epochs) + 1):
        lr = args.lr * (args.lr_decay if epoch > args.epochs // 2 else 1)
        train_epoch(model, optimizer, *sets["train"], seed=args.seed * 1000 + epoch, lr=lr)
        spend(len(sets["train"][0]), len(sets["val"][0]))
        scores = {f"{n}_miou": miou(model, *sets[n]) for n in sets if n != "train"}
        if args.out:
            moments = {"means": optimizer.means, "squares": optimizer.squares}
            state = {"model": model.state_dict(), **moments, "steps": optimizer.steps}
            torch.save({**state, "epoch": epoch}, Path(args.out) / "last.pt")
        searchctl.report_epoch(epoch, **scores)
        if args.step and not sys.stdin.readline():
            break


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("lr", "lr_decay", "weight_decay", "dropout"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--optimizer", choices=["adam", "sgd"], required=True)
    for name in ("data", "train", "val", "test", "out", "resume"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--last", type=int, help="stop after this epoch of the schedule")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--step", action="store_true")
    main(parser.parse_args())
