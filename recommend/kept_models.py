"""Trained models kept on disk, so that a run that was killed, or gets more codes, trains only the rest."""

import hashlib
from pathlib import Path

from taxonaut.recommend.interactions import Interactions
from taxonaut.recommend.item_codes import Codes
from taxonaut.recommend.next_item_model import torch_module
from taxonaut.recommend.next_item_training import Trained, Training, train, untrained


def trained(data: Interactions, codes: Codes, how: Training, seed: int, folder: Path | None) -> Trained:
    """Return the model of an earlier run with equal data, codes, settings and seed, or train and keep it."""
    torch = torch_module()
    if folder is None:
        return train(data, codes, how, seed)
    path = folder / f"{_key(data, codes, how, seed)}.pt"
    if path.is_file():
        held = torch.load(path, weights_only=True)
        model = untrained(data, codes, how)
        model.load_weights(held["weights"])
        return Trained(model, held["epoch"], held["seconds"], tuple(held["curve"]))
    made = train(data, codes, how, seed)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    torch.save(
        {
            "weights": made.model.weights(),
            "epoch": made.epoch,
            "seconds": made.seconds,
            "curve": list(made.curve),
        },
        unfinished,
    )
    unfinished.replace(path)
    return made


def _key(data: Interactions, codes: Codes, how: Training, seed: int) -> str:
    """Name a run by all that its weights come of, but for the machine and the code."""
    told = (
        codes.table.tolist(),
        sorted(data.train.items()),
        data.valid,
        how,
        seed,
        torch_module().__version__,
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()[:24]
