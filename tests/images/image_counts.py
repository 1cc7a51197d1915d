"""Validation images as networks of a known skill would score on them."""

import numpy as np

from searchctl.trainer.core.results import ImageCounts
from searchctl.trainer.evaluation.metrics import pooled_evaluation

CLASSES = 4


def confusions(skill, *, images=12, seed=0, rare=0.02):
    """Return [images, C, C] pixels: a share `skill` of each class is found, more or less.

    The truth depends on `seed` and `images` alone: networks of any skill are scored on one set.
    The last class has a share of about `rare` of the pixels.
    """
    truth_rng, rng = np.random.default_rng(seed), np.random.default_rng([seed, round(skill * 1e6)])
    shares = np.array([*[(1 - rare) / (CLASSES - 1)] * (CLASSES - 1), rare])
    truth = truth_rng.poisson(1000 * shares, (images, CLASSES)) + 1
    found = np.zeros((images, CLASSES, CLASSES), dtype=np.int64)
    for image, label in np.ndindex(truth.shape):
        odds = np.full(CLASSES, (1 - skill) / (CLASSES - 1))
        odds[label] = skill
        found[image, label] = rng.multinomial(truth[image, label], odds)
    return found


def counted(confusion, loss=None):
    """Return the counts of each image, and the evaluation of all, of confusion matrices."""
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    counts = np.stack([hits, confusion.sum(1) - hits, confusion.sum(2) - hits], axis=2)
    pixels = confusion.sum(axis=(1, 2))
    wrong = pixels - hits.sum(axis=1)
    losses = wrong.astype(float) if loss is None else np.asarray(loss, dtype=float)
    return (
        ImageCounts(counts.astype(np.uint32), losses, pixels),
        pooled_evaluation(confusion.sum(axis=0), float(losses.sum())),
    )


def network(skill, **options):
    """Return the image counts of a network."""
    return counted(confusions(skill, **options))[0]
