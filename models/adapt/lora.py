"""LoRA of a language model (Hu et al. 2021): low-rank matrices learned from answers, as an adapter for llama.cpp.

XMC-Agent 2.3 fine-tunes the whole model on its feedback; here the model's own matrices stay as they are, so that an
adapter is a small file that `gguf/…` loads on top of the weights, and that is taken away by leaving it out.
"""

import io
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from taxonaut.models.adapt.token_tree import TokenTree
from taxonaut.models.gguf.convert import ARCHITECTURE, write_gguf
from taxonaut.models.gguf.tool_call import AnswerTokens, GgufChat
from taxonaut.state.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

ADAPTER_FILE = "lora.gguf"
"""The adapter that `adapter = …` names in taxonaut.toml."""

PEFT_FOLDER = "peft"
"""The same adapter as PEFT keeps it, for transformers, vLLM and others."""

MEASURED = 32
"""The first examples, of which the loss is computed before and after; that takes a third of the time of learning."""

PERMUTED = frozenset({"llama"})
"""Architectures whose query and key rows llama.cpp keeps in another order than transformers."""

UNKNOWN_LAYOUTS = frozenset(
    {"bloom", "gpt2", "mamba", "nemotron", "gpt_oss", "gpt-oss", "t5", "t5encoder", "lfm2"}
)
"""Architectures whose matrices llama.cpp keeps in another shape than transformers."""

MOST_DIFFERENCE = 0.35
"""Largest share of what an adapter changes that llama.cpp may see differently; with 4-bit weights it is about 0.1."""

LEAST_DIFFERENCE = 0.01
"""Difference in nats a token that is never too much."""


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """How an adapter is trained.

    `rank` and `alpha`: the size of the low-rank matrices, and their weight (alpha / rank). `batch`: examples a step,
    which are read together. `tokens`: most tokens read at once, which bounds memory. `warmup`: the share of the steps
    over which the learning rate rises; it falls to 0 over the others.
    """

    rank: int = 8
    alpha: float = 16.0
    epochs: int = 1
    rate: float = 3e-4
    batch: int = 8
    tokens: int = 2048
    warmup: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings with which nothing is learned."""
        for name in ("rank", "alpha", "epochs", "rate", "batch", "tokens"):
            if getattr(self, name) <= 0:
                raise InputError(f"{name} of a LoRA adapter must be above 0, not {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class AnswerExample:
    """A prompt with its possible answers, in tokens. `right` are the places of the right ones among them.

    With one answer, its tokens are learned. With several, the right ones are learned against the wrong ones, and
    calibrated by the blank prompt, as they are when the model is asked.
    """

    tokens: AnswerTokens
    right: tuple[int, ...]

    @property
    def is_contrast(self) -> bool:
        """Whether right answers are learned against wrong ones."""
        return len(self.tokens.answers) > 1


@dataclass(frozen=True, slots=True)
class LoraResult:
    """A trained adapter: its file, the loss before, of each epoch and after, and how llama.cpp reads it.

    `change` is what the adapter changes in the log-probabilities of answers, in nats a token, and `difference` how
    much of that llama.cpp sees differently from transformers: quantized weights are multiplied less exactly.
    """

    path: Path
    examples: int
    loss_before: float
    losses: tuple[float, ...]
    loss_after: float
    parameters: int
    change: float
    difference: float
    seconds: float


OnStep = Callable[[int, int, float], None]
"""Called after each step with its number, the number of steps, and its loss."""


def train_lora(
    chat: GgufChat,
    examples: Sequence[AnswerExample],
    out: Path,
    settings: LoraSettings | None = None,
    *,
    base: Path | None = None,
    on_step: OnStep | None = None,
) -> LoraResult:
    """Train an adapter for a model on examples, and write it to the folder `out`: `lora.gguf` and `peft/`.

    `base`: a transformers folder with the same model unquantized; without one the weights of the GGUF file are taken.
    The loss is on the answers only. Raises MissingExtraError without the extra `train`, InputError for no examples or
    a model that cannot be adapted, or whose adapter llama.cpp reads differently.
    """
    settings = settings or LoraSettings()
    if not examples:
        raise InputError("there is no example to learn from; mark labelled items first (learn)")
    started = time.monotonic()
    model = LoraModel(base or chat.path, settings)
    measured = examples[:MEASURED]
    before = model.loss_of(measured)
    losses = tuple(model.train(examples, on_step))
    after = model.loss_of(measured)
    out.mkdir(parents=True, exist_ok=True)
    model.network.save_pretrained(str(out / PEFT_FOLDER), save_embedding_layers=False)
    path = out / ADAPTER_FILE
    write_gguf(path, model.metadata(), model.tensors())
    change, difference = compare(chat, path, model, examples[: settings.batch])
    result = LoraResult(
        path,
        len(examples),
        before,
        losses,
        after,
        model.parameters,
        change,
        difference,
        time.monotonic() - started,
    )
    if not difference <= MOST_DIFFERENCE * change + LEAST_DIFFERENCE:
        path.unlink()
        raise InputError(
            f"llama.cpp reads the adapter of {chat.path.name!r} differently from transformers ({difference:.2f} of "
            f"{change:.2f} nats a token): models of the architecture {model.architecture!r} cannot be adapted "
            "here; use another model, or train on exported examples (learn export)"
        )
    return result


def compare(
    chat: GgufChat, path: Path, model: "LoraModel", examples: Sequence[AnswerExample]
) -> tuple[float, float]:
    """Return what an adapter changes in transformers, and how differently llama.cpp sees it, in nats a token.

    What changes is compared, not the log-probabilities: these differ a little where weights are quantized.
    """
    adapted = GgufChat(chat.path, adapter=path)
    try:
        there = np.concatenate(
            [adapted.log_likelihoods(each.tokens) - chat.log_likelihoods(each.tokens) for each in examples]
        )
    finally:
        adapted.close()
    here = model.log_likelihoods(examples)
    with model.network.disable_adapter():
        here -= model.log_likelihoods(examples)
    lengths = np.array([len(answer) for each in examples for answer in each.tokens.answers])
    return float(np.abs(here / lengths).mean()), float(np.abs((there - here) / lengths).mean())


class LoraModel:
    """A transformers model with trainable low-rank matrices on all its linear layers but the last."""

    def __init__(self, base: Path, settings: LoraSettings) -> None:
        torch = load_torch()
        try:
            from peft import LoraConfig, get_peft_model
        except ImportError as error:
            raise MissingExtraError("peft", "train") from error
        self.settings = settings
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(settings.seed)
        self.architecture, opened = open_base(base)
        config = LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers for a name of yesterday
            self.network = get_peft_model(opened.to(self.device), config)
        self.config = opened.config
        self.network.train()

    @cached_property
    def trainable(self) -> "list[Tensor]":
        """The matrices that are trained."""
        return [each for each in self.network.parameters() if each.requires_grad]

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(each.numel() for each in self.trainable)

    def train(self, examples: Sequence[AnswerExample], on_step: OnStep | None = None) -> Iterator[float]:
        """Train for `epochs` passes; yields the mean loss of each."""
        torch = load_torch()
        settings = self.settings
        random = np.random.default_rng(settings.seed)
        steps = settings.epochs * math.ceil(len(examples) / settings.batch)
        warm = max(1, round(settings.warmup * steps))
        optimizer = torch.optim.AdamW(self.trainable, settings.rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
        )
        step = 0
        for _ in range(settings.epochs):
            order = random.permutation(len(examples)).tolist()
            losses: list[float] = []
            for start in range(0, len(order), settings.batch):
                batch = [examples[place] for place in order[start : start + settings.batch]]
                optimizer.zero_grad()
                found = 0.0
                for part in self.parts(batch):
                    loss = self.loss(part).sum() / len(batch)
                    loss.backward()  # type: ignore[no-untyped-call]
                    found += loss.item()
                torch.nn.utils.clip_grad_norm_(self.trainable, 1.0)
                optimizer.step()
                schedule.step()
                losses += [found] * len(batch)
                step += 1
                if on_step is not None:
                    on_step(step, steps, found)
            yield float(np.mean(losses))

    def loss_of(self, examples: Sequence[AnswerExample]) -> float:
        """Return the mean loss without training."""
        with load_torch().no_grad():
            return float(sum(self.loss(part).sum().item() for part in self.parts(examples)) / len(examples))

    def parts(self, examples: Sequence[AnswerExample]) -> Iterator[list[AnswerExample]]:
        """Divide examples so that no part has more than `tokens` tokens, unless a single one has."""
        part: list[AnswerExample] = []
        for example in examples:
            if part and len(tree_of([*part, example])) > self.settings.tokens:
                yield part
                part = []
            part.append(example)
        if part:
            yield part

    def loss(self, examples: Sequence[AnswerExample]) -> "Tensor":
        """Return the loss of each example.

        One answer: minus the mean log-probability of its tokens. Several: InfoNCE over the answers, each by
        log P(answer | prompt) - log P(answer | blank prompt), as scored answers are ranked; a right one competes with
        the wrong ones only.
        """
        torch = load_torch()
        found = self.answer_scores(examples)
        losses = []
        for example, (scores, blank) in zip(examples, found, strict=True):
            if not example.is_contrast:
                losses.append(-scores[0] / len(example.tokens.answers[0]))
                continue
            calibrated = scores - blank
            right = torch.zeros(len(calibrated), dtype=torch.bool, device=self.device)
            right[list(example.right)] = True
            wrong = torch.logsumexp(calibrated[~right], 0)
            losses.append(torch.nn.functional.softplus(wrong - calibrated[right]).mean())
        result: Tensor = torch.stack(losses)
        return result

    def log_likelihoods(self, examples: Sequence[AnswerExample]) -> npt.NDArray[np.float64]:
        """Return log P(answer | prompt) of all answers of all examples, one after the other."""
        with load_torch().no_grad():
            found = [
                scores.cpu().numpy()
                for part in self.parts(examples)
                for scores, _ in self.answer_scores(part)
            ]
        return np.concatenate(found).astype(np.float64)

    def answer_scores(self, examples: Sequence[AnswerExample]) -> "list[tuple[Tensor, Tensor]]":
        """Return log P of each example's answers after its prompt, and, of contrasts, after its blank prompt."""
        tree = tree_of(examples)
        likely = self.read(tree)
        scores = []
        for example in examples:
            tokens = example.tokens
            prompts = (tokens.prompt, tokens.blank) if example.is_contrast else (tokens.prompt, ())
            scores.append(
                tuple(self.sums(likely, tree, prompt, tokens.answers if prompt else ()) for prompt in prompts)
            )
        return scores  # type: ignore[return-value]

    def sums(
        self, likely: "Tensor", tree: TokenTree, prompt: Sequence[int], answers: Sequence[Sequence[int]]
    ) -> "Tensor":
        """Return the summed log-probabilities of answers after a prompt."""
        torch = load_torch()
        found = [likely[tree.answer_places(prompt, answer)].sum() for answer in answers]
        result: Tensor = torch.stack(found) if found else torch.zeros(0, device=self.device)
        return result

    def read(self, tree: TokenTree) -> "Tensor":
        """Return the log-probability of each answer token, after the tokens before it, in the tree's order."""
        torch = load_torch()
        mask = torch.from_numpy(tree.ancestors()).to(self.device)
        seen = torch.zeros(mask.shape, device=self.device).masked_fill(~mask, torch.finfo(torch.float32).min)
        before, wanted = tree.predictions()
        places = torch.tensor(before, device=self.device)
        output = self.network(
            input_ids=torch.tensor([tree.tokens], device=self.device),
            position_ids=torch.tensor([tree.depths], device=self.device),
            attention_mask=seen[None, None],
            logits_to_keep=places,
            use_cache=False,
        )
        likely = torch.log_softmax(output.logits[0].float(), -1)
        result: Tensor = likely.gather(1, torch.tensor(wanted, device=self.device)[:, None])[:, 0]
        return result

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the adapter as llama.cpp reads it."""
        return {
            ARCHITECTURE: self.architecture,
            "general.type": "adapter",
            "adapter.type": "lora",
            "adapter.lora.alpha": float(self.settings.alpha),
        }

    def tensors(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the matrices under llama.cpp's names: `….lora_a` of shape (rank, in), `….lora_b` (out, rank)."""
        from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

        kinds = {name: kind for kind, name in MODEL_ARCH_NAMES.items()}
        names = get_tensor_name_map(kinds[self.architecture], int(self.config.num_hidden_layers))
        found: dict[str, npt.NDArray[np.float32]] = {}
        for path, module in self.network.get_base_model().named_modules():
            if not hasattr(module, "lora_A"):
                continue
            name = names.get_name(path)
            if name is None:
                raise InputError(
                    f"llama.cpp has no name for the layer {path!r} of the architecture {self.architecture!r}; "
                    "use another model, or train on exported examples (learn export)"
                )
            down = module.lora_A["default"].weight.detach().float().cpu().numpy()
            up = module.lora_B["default"].weight.detach().float().cpu().numpy()
            if self.architecture in PERMUTED and path.endswith(("q_proj", "k_proj")):
                up = permute_rows(up, self.heads(path))
            found[f"{name}.weight.lora_a"], found[f"{name}.weight.lora_b"] = down, up
        return found

    def heads(self, path: str) -> int:
        """Return the number of attention heads of a query or key layer."""
        queries = int(self.config.num_attention_heads)
        return queries if path.endswith("q_proj") else int(self.config.num_key_value_heads or queries)


def permute_rows(rows: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """Reorder the rows of queries or keys, shape (out, n), from transformers' order to llama.cpp's.

    transformers rotates a head's first half against its second; llama.cpp keeps the pairs next to each other.
    """
    half = rows.shape[0] // heads // 2
    return np.ascontiguousarray(
        rows.reshape(heads, 2, half, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)
    )


def tree_of(examples: Sequence[AnswerExample]) -> TokenTree:
    """Return the tree of everything that is read for some examples."""
    tree = TokenTree()
    for example in examples:
        tokens = example.tokens
        for prompt in (tokens.prompt, tokens.blank) if example.is_contrast else (tokens.prompt,):
            for answer in tokens.answers:
                tree.add(prompt, answer)
    return tree


def open_base(base: Path) -> tuple[str, Any]:
    """Open a GGUF file or a transformers folder as a model in float32; returns llama.cpp's architecture and it.

    Raises MissingExtraError, and InputError for what transformers cannot load.
    """
    torch = load_torch()
    try:
        from transformers import AutoModelForCausalLM
    except ImportError as error:
        raise MissingExtraError("transformers", "train") from error
    where: Mapping[str, Any] = {"gguf_file": base.name} if base.is_file() else {}
    folder = base.parent if base.is_file() else base
    try:
        with redirect_stderr(io.StringIO()):  # its progress bars
            model = AutoModelForCausalLM.from_pretrained(
                str(folder), dtype=torch.float32, local_files_only=True, **where
            )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            f"transformers cannot load {str(base)!r} ({error}); give the model's own transformers folder, or train "
            "on exported examples (learn export)"
        ) from None
    architecture = str(model.config.model_type)
    if architecture in UNKNOWN_LAYOUTS:
        raise InputError(
            f"models of the architecture {architecture!r} cannot be adapted here; use another model, or train on "
            "exported examples (learn export)"
        )
    return architecture, model


def load_torch() -> Any:
    """Import PyTorch. Raises MissingExtraError without the extra `train`."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "train") from error
    return torch
