"""What is known of a card: its name, and the peak of its bf16 arithmetic."""

import torch

PEAKS = {
    "A100": 312,
    "A30": 165,
    "A40": 150,
    "A10": 125,
    "L4": 121,
    "L40": 181,
    "L40S": 362,
    "RTX A6000": 155,
    "H100 PCIe": 756,
    "H100 NVL": 835,
    "H100": 989,
    "H200": 989,
    "B200": 2250,
}
"""Peak of dense bf16 arithmetic in TFLOP/s, by words of the card's name; from Nvidia's data sheets,
where some numbers are those of sparse matrices, twice as high."""
NOT_KNOWN = "not known"


def peak_tflops(name: str) -> int | None:
    """Return the peak of a card by torch's name of it; None if the table lacks the card.

    >>> peak_tflops("NVIDIA A100-SXM4-80GB"), peak_tflops("NVIDIA H100 80GB HBM3")
    (312, 989)
    >>> peak_tflops("NVIDIA A10G") is None
    True
    """
    words = f" {name.replace('-', ' ')} "
    found = [known for known in PEAKS if f" {known} " in words]
    return PEAKS[max(found, key=len)] if found else None


def describe(device: torch.device) -> dict[str, object]:
    """Return the name and size of a card, and the versions below torch."""
    if device.type == "cpu":
        return {"name": "cpu", "threads": torch.get_num_threads()}
    known = torch.cuda.get_device_properties(device)
    return {
        "name": known.name,
        "memory_gib": round(known.total_memory / 2**30, 1),
        "multiprocessors": known.multi_processor_count,
        "capability": f"{known.major}.{known.minor}",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }
