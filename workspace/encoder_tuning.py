"""Fine-tune the encoder of a domain expert on its train part, and serve it by what can run it (Dual-Expert 3.1)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.agents.texts import PATH_SEPARATOR
from taxonaut.models.augmentation import synthetic
from taxonaut.models.encoder_export import Exported, export_encoder, open_encoder
from taxonaut.models.finetuning import Finetuned, FinetuneSettings, finetune
from taxonaut.models.stored_embedder import StoredEmbedder
from taxonaut.models.transformer_folder import check_folder
from taxonaut.state.ids import LabelId
from taxonaut.workspace.experts import OnStage
from taxonaut.workspace.wiring import close

if TYPE_CHECKING:
    from taxonaut.workspace.config import ExpertConfig
    from taxonaut.workspace.expert_data import Example, TrainingData
    from taxonaut.workspace.workspace import Workspace

DEFAULTS = FinetuneSettings(epochs=4)

OF_ENCODER = ("epochs", "patience", "batch", "learning_rate")
"""Settings of [expert] that are the encoder's where there is one; those that a person has not set are in DEFAULTS."""

COMPARED = 200
"""Products on which the exported encoder is compared with the trained one."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """A fine-tuned encoder in use, with what the model card says of it."""

    stored: StoredEmbedder
    settings: Mapping[str, Any]
    metrics: Mapping[str, Any]


@contextmanager
def tuned(workspace: "Workspace", data: "TrainingData", out: Path, on_stage: OnStage) -> Iterator[Tuned]:
    """Fine-tune [expert] encoder on the train part, write it to the folder `out`, and give it while the block runs.

    The dev part says which pass is kept. Its vectors are kept in the workspace under a name of their own. Raises
    as `finetune` does.
    """
    folder, how = (
        Path(workspace.config.expert.encoder).expanduser(),
        encoder_settings(workspace.config.expert),
    )
    check_folder(folder)
    progress = on_stage("fine-tuning the encoder")
    number = {label: place for place, label in enumerate(data.labels)}
    texts, targets = labelled(data.train, number)
    made = augmented(workspace, data.train)
    found = finetune(
        folder,
        [*texts, *(text for _, text in made)],
        [*targets, *(targets[source] for source, _ in made)],
        *labelled(data.dev, number),
        len(number),
        how,
        out,
        lambda epoch: progress(epoch.number, epoch.of),
    )
    on_stage("converting the encoder")
    exported = export_encoder(out, sample(texts))
    embedder = open_encoder(out)
    try:
        stored = StoredEmbedder(embedder, workspace.wiring.embeddings)
        yield Tuned(stored, told(how, exported, embedder.name), judged(found))
    finally:
        close(embedder)


def encoder_settings(settings: "ExpertConfig") -> FinetuneSettings:
    """Return what the encoder is trained by."""
    names = {each.name for each in fields(FinetuneSettings)}
    unset = set(OF_ENCODER) - settings.model_fields_set
    return replace(DEFAULTS, **settings.model_dump(include=names - unset))


def augmented(workspace: "Workspace", examples: "Sequence[Example]") -> list[tuple[int, str]]:
    """Make synthetic products: the number of an example, and a text with the path of its category."""
    settings, texts = workspace.config.expert, workspace.wiring.label_texts()
    paths = [texts[example.labels[0]].split(PATH_SEPARATOR) for example in examples]
    return synthetic([example.item.text for example in examples], paths, settings.augment, settings.seed)


def labelled(
    examples: "Sequence[Example]", number: Mapping[LabelId, int]
) -> tuple[list[str], list[tuple[int, ...]]]:
    """Return texts, and the columns of each one's categories."""
    columns = [tuple(number[label] for label in example.labels) for example in examples]
    return [example.item.text for example in examples], columns


def sample(texts: Sequence[str]) -> list[str]:
    """Take some texts from all over."""
    places = np.linspace(0, len(texts) - 1, min(COMPARED, len(texts))).astype(int)
    return [texts[place] for place in places]


def told(how: FinetuneSettings, exported: Exported, embedder: str) -> dict[str, Any]:
    """Say on the card what the encoder was trained by and what serves it."""
    used = {name: getattr(how, name) for name in OF_ENCODER}
    served = {"embedder": embedder, "served_by": "gguf" if exported.path else "PyTorch"}
    return {**used, **served, **({} if exported.path else {"no_gguf": exported.reason})}


def judged(found: Finetuned) -> dict[str, Any]:
    """Say on the card how the training went; the accuracy is that of the encoder's own head, on dev."""
    accuracy = {} if found.dev_accuracy is None else {"accuracy": round(found.dev_accuracy, 4)}
    return {**accuracy, "passes": found.epochs, "best_pass": found.best.number, "device": found.device}
