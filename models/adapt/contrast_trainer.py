"""Train a sentence encoder by contrast with the trainer of sentence-transformers."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taxonaut.models.adapt.contrast_data import ContrastPairs, ContrastSettings
from taxonaut.models.onnx.folder import EncoderFolder
from taxonaut.state.errors import InputError
from taxonaut.state.updates import Progress, tell

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
    from torch import Tensor

STAGE = "fine-tuning the encoder"

_MODES = {"mean": "mean", "cls": "cls", "last": "lasttoken"}
_NEVER = -1e9
_WEIGHTS = "weights.safetensors"
_SORTED_TOGETHER = 16
_TEXTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Trained:
    """The steps of a training, and the mean loss of its last ones."""

    steps: int
    loss: float


def open_model(folder: Path, found: EncoderFolder, settings: ContrastSettings) -> "SentenceTransformer":
    """Open an encoder from its files alone: no code of the folder runs, nothing is downloaded."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        transformer = Transformer(
            str(found.files),
            model_kwargs={**local, "use_safetensors": True},
            processor_kwargs=dict(local),
            config_kwargs=dict(local),
            max_seq_length=min(settings.max_tokens, found.max_tokens),
        )
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise InputError(f"{str(folder)!r} cannot be opened as a transformer ({error})") from error
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode=_MODES[found.pooling or "mean"])
    return SentenceTransformer(modules=[transformer, pooling, Normalize()])


def train(
    model: "SentenceTransformer",
    pairs: ContrastPairs,
    settings: ContrastSettings,
    found: EncoderFolder,
    checkpoints: Path,
    resume: Path | None,
) -> Trained:
    """Train in place, on the GPU if there is one, from the checkpoint `resume` on."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        merge = _choose_weights(model, settings)
        loss = ContrastLoss(model, pairs, settings, found)
        trainer = _make_trainer(model, loss, _arguments(settings, checkpoints))
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
        merge()
    model.eval()
    return Trained(trainer.state.global_step, float(np.mean(loss.losses[-10:])))


def _choose_weights(model: "SentenceTransformer", settings: ContrastSettings) -> Callable[[], object]:
    """Freeze what is not trained, add low-rank updates if wanted, and return what merges them at the end."""
    transformer: Any = model[0].auto_model
    if settings.lora_rank:
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(
            r=settings.lora_rank, lora_alpha=2 * settings.lora_rank, target_modules="all-linear"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers for an older name
            adapted: Any = get_peft_model(transformer, config)  # puts its layers into `transformer` itself
        return lambda: adapted.merge_and_unload()
    if settings.frozen_layers:
        frozen = [transformer.embeddings, *transformer.encoder.layer[: settings.frozen_layers]]
        for module in frozen:
            module.requires_grad_(False)
    return lambda: None


def _arguments(settings: ContrastSettings, folder: Path) -> "SentenceTransformerTrainingArguments":
    import torch
    from sentence_transformers import SentenceTransformerTrainingArguments

    cuda = torch.cuda.is_available()
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=1.0,
        seed=settings.seed,
        bf16=cuda,
        dataloader_pin_memory=cuda,
        save_strategy="steps",
        save_steps=settings.refresh,
        save_total_limit=1,
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


def _make_trainer(
    model: "SentenceTransformer", loss: "ContrastLoss", arguments: "SentenceTransformerTrainingArguments"
) -> Any:
    """Return the trainer of sentence-transformers with our batches, loss, checkpoints and progress."""
    import torch
    from datasets import Dataset
    from safetensors.torch import load_model, save_model
    from sentence_transformers import SentenceTransformerTrainer
    from transformers import PrinterCallback, TrainerCallback

    class Loss(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, features: Sequence[dict[str, "Tensor"]], label: "Tensor") -> "Tensor":
            return loss(features, label)

    class Trainer(SentenceTransformerTrainer):  # type: ignore[misc]
        """Writes no model card, and keeps a checkpoint's tensors as they are: low-rank updates stay apart."""

        def get_batch_sampler(
            self, dataset: object, batch_size: int, *given: object, **named: object
        ) -> SortedBatches:
            settings = loss.settings
            return SortedBatches(loss.pairs, batch_size, settings.seed, coupled=settings.items_share > 0)

        def add_model_card_callback(self, default_args_dict: object) -> None:
            pass

        def _save(self, output_dir: str | None = None, state_dict: object = None) -> None:
            folder = Path(output_dir or str(self.args.output_dir))
            folder.mkdir(parents=True, exist_ok=True)
            save_model(self.model, str(folder / _WEIGHTS))

        def _load_from_checkpoint(self, checkpoint_path: str) -> None:
            load_model(self.model, Path(checkpoint_path) / _WEIGHTS)

    class Steps(TrainerCallback):  # type: ignore[misc]
        """Tells each step as progress, and computes the bank again where a checkpoint was kept before."""

        def on_step_begin(self, args: object, state: Any, control: object, **given: object) -> None:
            loss.refresh(state.global_step)

        def on_step_end(self, args: object, state: Any, control: object, **given: object) -> None:
            tell(Progress(STAGE, state.global_step, state.max_steps))
            loss.check()

    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_dict({"label": list(range(len(loss.pairs.texts)))}),
        loss=Loss(),
        data_collator=Collator(model, loss.pairs, loss.found),
        callbacks=[Steps()],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


class SortedBatches:
    """Batches of items of similar lengths: little padding, other batches every epoch.

    If `coupled`, items of a label come in twos, whatever their lengths.
    """

    def __init__(self, pairs: ContrastPairs, batch_size: int, seed: int, *, coupled: bool) -> None:
        self.pairs, self.batch_size, self.seed, self.coupled = pairs, batch_size, seed, coupled
        self.drop_last, self.epoch = False, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        random = np.random.default_rng([self.seed, self.epoch])
        order = random.permutation(len(self.pairs.texts)).tolist()
        if self.coupled:
            order = self._couple(order)
        size = self.batch_size
        groups: list[list[int]] = []
        for start in range(0, len(order), size * _SORTED_TOGETHER):
            part = order[start : start + size * _SORTED_TOGETHER]
            if not self.coupled:
                part.sort(key=lambda item: len(self.pairs.texts[item]))
            groups += [part[at : at + size] for at in range(0, len(part), size)]
        yield from (groups[place] for place in random.permutation(len(groups)))

    def __len__(self) -> int:
        return math.ceil(len(self.pairs.texts) / self.batch_size)

    def _couple(self, order: list[int]) -> list[int]:
        """Put two items of a label one after the other."""
        waiting: dict[int, int] = {}
        coupled = []
        for item in order:
            label = self.pairs.right[item][0]
            if label in waiting:
                coupled += [waiting.pop(label), item]
            else:
                waiting[label] = item
        return [*coupled, *waiting.values()]


class Collator:
    """Tokenizes the distinct items and label texts of a batch."""

    valid_label_columns = ("label",)

    def __init__(self, model: "SentenceTransformer", pairs: ContrastPairs, found: EncoderFolder) -> None:
        self.model, self.pairs, self.found = model, pairs, found

    def __call__(self, rows: Sequence[dict[str, int]]) -> dict[str, "Tensor"]:
        import torch

        places = [row["label"] for row in rows]
        batch = self.pairs.batch(places)
        items = [self.found.query_prefix + self.pairs.texts[item] for item in batch.items]
        texts = [self.found.passage_prefix + text for text in batch.texts]
        return {
            "label": torch.tensor(places),
            **{f"item_{key}": value for key, value in self.model.preprocess(items).items()},
            **{f"text_{key}": value for key, value in self.model.preprocess(texts).items()},
        }


class ContrastLoss:
    """InfoNCE of items against the labels of the batch, and against a bank of label vectors without gradients.

    In the bank an item's right label is as old as the others: against older negatives a new vector would win by its
    age alone. Neither other right labels of an item nor labels of equal texts count as negatives.
    """

    def __init__(
        self,
        model: "SentenceTransformer",
        pairs: ContrastPairs,
        settings: ContrastSettings,
        found: EncoderFolder,
    ) -> None:
        self.model, self.pairs, self.settings, self.found = model, pairs, settings, found
        self.bank: Tensor | None = None
        self.banked = pairs.competing(settings.bank) if settings.bank_share else []
        self.losses: list[float] = []

    def refresh(self, step: int) -> None:
        """Compute the vectors of the bank's labels, the mean of each label's texts, if it is time."""
        if not self.banked or (self.bank is not None and step % self.settings.refresh):
            return
        from torch import stack
        from torch.nn.functional import normalize

        texts = list(dict.fromkeys(text for label in self.banked for text in self.pairs.labels[label]))
        training = self.model.training
        self.model.eval()
        vectors = self.model.encode(
            [self.found.passage_prefix + text for text in texts],
            batch_size=_TEXTS_AT_ONCE,
            convert_to_tensor=True,
            show_progress_bar=False,
        )
        self.model.train(training)
        place = {text: row for row, text in enumerate(texts)}
        means = [
            vectors[[place[text] for text in self.pairs.labels[label]]].mean(dim=0) for label in self.banked
        ]
        self.bank = normalize(stack(means), dim=1)

    def check(self) -> None:
        """Raise InputError if the last loss is no number."""
        if not math.isfinite(self.losses[-1]):
            rate = self.settings.learning_rate
            raise InputError(f"the loss diverged at a learning rate of {rate:g}; set a smaller one")

    def __call__(self, features: Sequence[dict[str, "Tensor"]], label: "Tensor") -> "Tensor":
        """Return the mean loss of the items `label` (their numbers) with their right labels, weighted."""
        batch = self.pairs.batch(label.tolist())
        items, texts = (self.model(dict(each))["sentence_embedding"].float() for each in features)
        loss = self._contrast(items, texts[batch.rows], batch.items, batch.labels, batch.pairs)
        known = set(self.banked)
        if self.bank is not None and (kept := [(row, each) for row, each in batch.pairs if each in known]):
            bank = self._contrast(items, self.bank.to(items), batch.items, self.banked, kept)
            loss = loss + self.settings.bank_share * bank
        if self.settings.items_share:
            loss = loss + self.settings.items_share * self._contrast_items(items, batch.items)
        self.losses.append(float(loss.detach()))
        return loss

    def _contrast(
        self,
        vectors: "Tensor",
        others: "Tensor",
        items: Sequence[int],
        labels: Sequence[int],
        pairs: Sequence[tuple[int, int]],
    ) -> "Tensor":
        """InfoNCE of pairs of a row of `vectors` and a label against all of `labels`, whose vectors are `others`."""
        import torch
        from torch.nn.functional import softplus

        scores = self.settings.scale * vectors @ others.T
        column = {label: at for at, label in enumerate(labels)}
        shift = torch.zeros(scores.shape)
        for row, item in enumerate(items):
            shift[row, [column[each] for each in self.pairs.wrong[item] if each in column]] = float(
                math.log(self.settings.hard)
            )
            shift[row, [column[each] for each in self.pairs.right[item] if each in column]] = _NEVER
        against = torch.logsumexp(scores + shift.to(scores), dim=1)
        rows, right = [row for row, _ in pairs], [column[label] for _, label in pairs]
        weights = torch.tensor([self.pairs.weights[items[row]] for row in rows]).to(scores)
        return (weights * softplus(against[rows] - scores[rows, right])).sum() / weights.sum()

    def _contrast_items(self, vectors: "Tensor", items: Sequence[int]) -> "Tensor":
        """InfoNCE of items with items of an equal label against those of others (SetFit-like)."""
        import torch
        from torch.nn.functional import softplus

        right = [set(self.pairs.right[item]) for item in items]
        alike = torch.tensor([[bool(one & other) for other in right] for one in right], device=vectors.device)
        pulled = alike & ~torch.eye(len(items), dtype=torch.bool, device=vectors.device)
        if not pulled.any() or alike.all():
            return vectors.sum() * 0
        scores = self.settings.scale * vectors @ vectors.T
        against = torch.logsumexp(scores.masked_fill(alike, float("-inf")), dim=1, keepdim=True)
        return softplus(against - scores)[pulled].mean()
