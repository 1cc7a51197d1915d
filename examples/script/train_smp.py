"""Cars against everything else, by segmentation-models-pytorch's own training loop."""

import argparse
from pathlib import Path

import numpy as np
import segmentation_models_pytorch as smp
import torch
from PIL import Image
from segmentation_models_pytorch.utils import losses, metrics, train

import searchctl

CAR, SIZE = 8, (128, 96)


class Pairs(torch.utils.data.Dataset):
    """The images and masks of a list, the masks as one channel of 0 and 1."""

    def __init__(self, path):
        self.lines = Path(path).read_text().splitlines()

    def __len__(self):
        return len(self.lines)

    def __getitem__(self, index):
        image, mask = (Image.open(path) for path in self.lines[index].split("\t"))
        pixels = np.asarray(image.convert("RGB").resize(SIZE), np.float32).transpose(2, 0, 1) / 255
        labels = np.asarray(mask.resize(SIZE, Image.Resampling.NEAREST)) == CAR
        return pixels, labels[None].astype(np.float32)


def main(args):
    torch.manual_seed(args.seed)
    net = smp.create_model(
        args.decoder, args.encoder, encoder_weights=None, classes=1, activation="sigmoid"
    )
    loss, scored = losses.DiceLoss(), [metrics.IoU(threshold=0.5)]
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    step = train.TrainEpoch(net, loss, scored, optimizer, device=args.device, verbose=False)
    check = train.ValidEpoch(net, loss, scored, device=args.device, verbose=False)
    trained = torch.utils.data.DataLoader(Pairs(args.list), batch_size=8, shuffle=True)
    validated = torch.utils.data.DataLoader(Pairs(args.val), batch_size=8)
    for epoch in range(1, args.epochs + 1):
        before, after = step.run(trained), check.run(validated)
        torch.save(net.state_dict(), Path(args.out) / f"epoch-{epoch}.pt")
        searchctl.report_epoch(
            epoch,
            val_iou=after["iou_score"],
            train_loss=before["dice_loss"],
            lr=args.lr,
            weights=f"epoch-{epoch}.pt",
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("list", "val", "out", "decoder", "encoder", "device"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    main(parser.parse_args())
