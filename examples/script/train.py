"""A plain PyTorch training script: it knows of searchctl only what it reports."""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import searchctl

CLASSES, VOID, SIZE = 11, 11, (120, 90)


def read(line):
    image, mask = (Image.open(path) for path in line.split("\t"))
    pixels = np.asarray(image.convert("RGB").resize(SIZE), np.float32) / 255 - 0.5
    labels = np.asarray(mask.resize(SIZE, Image.Resampling.NEAREST), np.int64)
    return torch.from_numpy(pixels).permute(2, 0, 1), torch.from_numpy(labels)


def load(path):
    images, labels = zip(*(read(line) for line in Path(path).read_text().splitlines()), strict=True)
    return torch.stack(images), torch.stack(labels)


def network(width, dropout):
    layers = [nn.Conv2d(3, width, 3, padding=1), nn.ReLU()]
    for dilation in (1, 2, 4):
        layers += [nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout2d(dropout), nn.Conv2d(width, CLASSES, 1))


def outcomes(logits, labels):
    """Return true positives, false positives and false negatives: [images, classes, 3]."""
    found, valid = logits.argmax(1), labels != VOID
    per_class = []
    for each in range(CLASSES):
        said, true = (found == each) & valid, labels == each
        cells = (said & true, said & ~true, ~said & true)
        per_class.append(torch.stack([cell.sum((1, 2)) for cell in cells], 1))
    return torch.stack(per_class, 1)


def main(args):
    torch.manual_seed(args.seed)
    out, model = Path(args.out), network(args.width, args.dropout).to(args.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    first = 1
    if args.resume:
        state = torch.load(Path(args.resume) / "last.pt")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1
    (images, labels), val = load(args.list), load(args.val)
    for epoch in range(first, args.epochs + 1):
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(epoch))
        losses = []
        for batch in order.split(8):
            logits = model.train()(images[batch].to(args.device))
            target = labels[batch].to(args.device)
            loss = nn.functional.cross_entropy(logits, target, ignore_index=VOID)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            parts = [model.eval()(part.to(args.device)).cpu() for part in val[0].split(8)]
        counts = outcomes(torch.cat(parts), val[1])
        hits, alarms, misses = counts.sum(0).double().unbind(1)
        there = hits + misses > 0
        np.savez(out / f"counts-{epoch}.npz", counts=counts.numpy())
        torch.save(model.state_dict(), out / f"weights-{epoch}.pt")
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save(state, out / "last.tmp")
        (out / "last.tmp").rename(out / "last.pt")
        searchctl.report_epoch(
            epoch,
            val_miou=(hits / (hits + alarms + misses))[there].mean(),
            train_loss=np.mean(losses),
            lr=args.lr,
            counts=f"counts-{epoch}.npz",
            weights=f"weights-{epoch}.pt",
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("list", "val", "out", "resume", "device"):
        parser.add_argument(f"--{name}", default="cpu" if name == "device" else "")
    for name, default in (("lr", 1e-3), ("dropout", 0.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    for name, default in (("epochs", 10), ("width", 16), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    main(parser.parse_args())
