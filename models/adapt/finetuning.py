"""Fine-tune a sentence encoder by contrast between the texts of items and of labels.

An item's right labels pull, other known labels push: those of its batch, those of a bank of label vectors, and above
all its hard negatives (van den Oord et al. 2018, InfoNCE; Wu et al. 2018, memory bank). Labels of which nothing is
known do not compete, so that what is learned carries over to them (XMC-Agent 2.3, inductive).
"""

import json
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.models.adapt.contrast_data import ContrastData, ContrastItem, ContrastPairs, ContrastSettings
from taxonaut.models.adapt.contrast_trainer import open_model, train
from taxonaut.models.adapt.learner import TrainingMaterial
from taxonaut.models.expert.transformer import (
    EXTRA,
    check_folder,
    fingerprint,
    read_config,
    silence_transformers,
)
from taxonaut.models.onnx.embedder import OnnxEmbedder, OnnxSettings
from taxonaut.models.onnx.encoder_graph import read_shape
from taxonaut.models.onnx.folder import EncoderFolder, read_folder, write_graphs
from taxonaut.models.weights import ONNX_PREFIX, ModelCatalog
from taxonaut.state.errors import InputError, MissingExtraError, ModelError
from taxonaut.state.ids import LabelId
from taxonaut.state.updates import Progress, tell

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

CONVERTING = "converting the encoder"
ENCODER = "encoder"
"""The folder of a learned encoder in that of a version."""

MOST_SIBLINGS = 8
LARGEST_DIFFERENCE = 1e-3
"""Of a component of a text's vectors by PyTorch and by ONNX Runtime."""

_CHECKPOINTS, _STATE, _INPUT = "checkpoint-*", "trainer_state.json", "input.json"
_COMPARED = 50


@dataclass(frozen=True, slots=True)
class ContrastFinetuned:
    """A fine-tuned encoder in `folder`, which `onnx/<folder>` opens. `loss` is the mean of the last steps."""

    folder: Path
    steps: int
    loss: float
    seconds: float
    device: str


def finetune_by_contrast(
    folder: Path,
    data: ContrastData,
    settings: ContrastSettings,
    out: Path,
    *,
    checkpoints: Path | None = None,
) -> ContrastFinetuned:
    """Fine-tune the encoder of `folder` and write it to `out`: safetensors, tokenizer, ONNX graphs (fp32, int8).

    Runs on the GPU if there is one. Each step is told as `Progress`. Checkpoints are kept in a folder, by default
    next to `out`: a killed training continues at the last one, if encoder, data and settings are the same. The folder
    is removed at the end. Raises InputError for data that nothing can be learned from and for an encoder of which no
    ONNX graph can be written, MissingExtraError without the extra `train`, ModelError if ONNX Runtime gives other
    vectors.
    """
    check_folder(folder)
    found = read_folder(folder)
    _check_architecture(folder)
    if out.resolve() == folder.resolve():
        raise InputError(
            f"{str(folder)!r} would be overwritten by its fine-tuned encoder; give another folder"
        )
    pairs = ContrastPairs.of(data, settings)
    _import_extra()
    with silence_transformers():
        return _Training(folder, found, pairs, settings, out, checkpoints).run()


def _check_architecture(folder: Path) -> None:
    try:
        read_shape(read_config(folder))
    except ModelError as error:
        raise InputError(
            f"{str(folder)!r} cannot be fine-tuned by contrast, as no ONNX graph can be written: {error}"
        ) from error


def _import_extra() -> None:
    try:
        import accelerate  # noqa: F401
        import datasets  # noqa: F401
        import peft  # noqa: F401
        import sentence_transformers  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "sentence-transformers", EXTRA) from error


class _Training:
    """One fine-tuning with the trainer of sentence-transformers."""

    def __init__(
        self,
        folder: Path,
        found: EncoderFolder,
        pairs: ContrastPairs,
        settings: ContrastSettings,
        out: Path,
        checkpoints: Path | None,
    ) -> None:
        self.folder, self.found, self.pairs, self.settings, self.out = folder, found, pairs, settings, out
        self.checkpoints = checkpoints or out.with_name(f".{out.name}-checkpoints")

    def run(self) -> ContrastFinetuned:
        started = time.monotonic()
        resume = self._last_checkpoint()
        model = open_model(self.folder, self.found, self.settings)
        trained = train(model, self.pairs, self.settings, self.found, self.checkpoints, resume)
        tell(Progress(CONVERTING))
        self._write(model)
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        return ContrastFinetuned(
            self.out,
            trained.steps,
            trained.loss,
            time.monotonic() - started,
            model.device.type,
        )

    def _last_checkpoint(self) -> Path | None:
        """Return the last whole checkpoint of the same training; remove those of another."""
        digest = self.pairs.digest()
        given = json.dumps([fingerprint(self.folder), asdict(self.settings), digest])
        stamp = self.checkpoints / _INPUT
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != given:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
            self.checkpoints.mkdir(parents=True)
            stamp.write_text(given, encoding="utf-8")
        found = {int(path.parent.name.partition("-")[2]): path.parent for path in self._states()}
        return found[max(found)] if found else None

    def _states(self) -> list[Path]:
        """Return the state files of whole checkpoints: a checkpoint's last file, so that others are incomplete."""
        return [path for path in self.checkpoints.glob(f"{_CHECKPOINTS}/{_STATE}") if path.stat().st_size]

    def _write(self, model: "SentenceTransformer") -> None:
        """Write the encoder to a folder next to `out`, compare its vectors, and put it in place."""
        made = self.out.with_name(f".{self.out.name}-part")
        shutil.rmtree(made, ignore_errors=True)
        model.max_seq_length = self.found.max_tokens
        model.save_pretrained(str(made), create_model_card=False, safe_serialization=True)
        for path in made.rglob("*.safetensors"):
            path.chmod(
                (made / "modules.json").stat().st_mode & 0o777
            )  # written for the owner alone otherwise
        write_graphs(made)
        texts = self.pairs.texts[:: max(1, len(self.pairs.texts) // _COMPARED)]
        served = OnnxEmbedder(made, settings=OnnxSettings("fp32", query_prefix="", passage_prefix=""))
        try:
            difference = float(
                np.abs(served.embed(texts) - model.encode(texts, show_progress_bar=False)).max()
            )
        finally:
            served.close()
        if not difference <= LARGEST_DIFFERENCE:
            shutil.rmtree(made)
            raise ModelError(
                f"ONNX Runtime gives other vectors for the fine-tuned encoder (by up to {difference:.4f}); "
                "fine-tune another encoder"
            )
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        made.rename(self.out)


def encoder_folder(given: str) -> Path:
    """Return the folder of an encoder: `onnx/<name>` is that of a pulled model. See `ModelCatalog.resolve_folder`."""
    if given.startswith(ONNX_PREFIX) and not Path(given).is_dir():
        return ModelCatalog().resolve_folder(given.removeprefix(ONNX_PREFIX))
    return Path(given).expanduser()


class FinetuningLearner:
    """Learns a fine-tuned encoder (XMC-Agent 2.3, *contrastive feedback*; see `Learner`).

    `folder` is the encoder as it was before; hard negatives are the walk's errors and the siblings of right labels.
    `checkpoints` is a folder that outlives a killed training.
    """

    name = "finetuning"

    def __init__(
        self, folder: Path, settings: ContrastSettings | None = None, checkpoints: Path | None = None
    ) -> None:
        self.folder, self.settings = folder, settings or ContrastSettings()
        self.checkpoints = checkpoints

    def learn(self, material: TrainingMaterial, folder: Path) -> Mapping[str, Any]:
        """Fine-tune and write the encoder to `folder/encoder`; see `Learner.learn` and `finetune_by_contrast`."""
        cpu = time.process_time()
        settings = replace(self.settings, seed=material.seed)
        found = finetune_by_contrast(
            self.folder, contrast_data(material), settings, folder / ENCODER, checkpoints=self.checkpoints
        )
        return {
            **asdict(settings),
            "from": fingerprint(self.folder),
            "items": len(material.examples),
            "labels": len(material.options),
            "steps": found.steps,
            "loss": round(found.loss, 4),
            "device": found.device,
            "seconds": round(found.seconds, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
        }


def contrast_data(material: TrainingMaterial) -> ContrastData:
    """Return learners' material as data of contrast; what names a label that is held out is left out."""
    place = {label: at for at, label in enumerate(material.options)}

    def places(labels: Iterable[LabelId]) -> list[int]:
        return [place[label] for label in labels if label in place]

    items = []
    for each in material.examples:
        near = [label for right in each.right for label in material.siblings.get(right, ())][:MOST_SIBLINGS]
        items.append(
            ContrastItem(
                each.text,
                tuple(places(each.right)),
                tuple(dict.fromkeys(places([*each.wrong, *near]))),
                each.weight,
            )
        )
    return ContrastData(items, list(material.options.values()))
