"""Model objects in place of what the settings name: checked, named in the settings, found again by that name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from taxonaut.models.catalog import ENCODER, GGUF, encoder_embedder
from taxonaut.models.embedder import Embedder
from taxonaut.models.expert.classifier import Classifier
from taxonaut.models.llm.langchain_model import LangChainModel
from taxonaut.models.requests import Answers
from taxonaut.models.settings import ModelSettings
from taxonaut.state.errors import InputError
from taxonaut.workspace.core.config import Config, ModelsConfig, Tables, load_config

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel

RoleModel: TypeAlias = "str | Mapping[str, Any] | Answers | BaseChatModel"
"""What a role can be given: a model string, settings, an object that answers requests, or LangChain's chat model."""

ASSISTANT = "assistant"
"""The role whose model leads conversations: an object with `name` and `reply` (`models.chat_model.ChatModel`)."""


@dataclass(frozen=True)
class Injected:
    """Objects given by the caller, who closes them. `models` by the model string that the settings have for each."""

    models: Mapping[str, Any] = field(default_factory=dict)
    embedder: Embedder | None = None
    classifier: Classifier | None = None


def read_settings(
    folder: Path,
    *,
    models: Mapping[str, RoleModel] | None = None,
    embedder: Embedder | None = None,
    classifier: Classifier | None = None,
    trust: bool = False,
    **tables: Unpack[Tables],
) -> tuple[Config, Injected]:
    """Read a workspace's settings, with what `Workspace.open` is given in their places."""
    settings, objects = divided(models)
    given: dict[str, Any] = {**tables, **({"models": settings} if settings else {})}
    config, found = injected(load_config(folder, given, trust=trust), objects, embedder)
    return config, replace(found, classifier=classifier)


def divided(models: Mapping[str, RoleModel] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return roles' settings, and roles' objects. Raises InputError for an unknown role or an unfit object."""
    settings: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for role, given in (models or {}).items():
        if role not in ModelsConfig.model_fields:
            known = ", ".join(ModelsConfig.model_fields)
            raise InputError(f"there is no role {role!r}; the roles are: {known}")
        if isinstance(given, str):
            settings[role] = {"model": given}
        elif isinstance(given, Mapping):
            settings[role] = given
        else:
            objects[role] = role_object(role, given)
    return settings, objects


def role_object(role: str, given: Any) -> Any:
    """Return what answers for a role; LangChain's chat models are put behind an adapter."""
    if callable(getattr(given, "reply" if role == ASSISTANT else "answer", None)):
        return given
    if callable(getattr(given, "bind_tools", None)) and callable(getattr(given, "ainvoke", None)):
        return LangChainModel(given)
    if role == ASSISTANT:
        raise InputError(
            f"models[{role!r}] is a {type(given).__name__}, which cannot lead a conversation; give a model string, "
            "settings, an object with `name` and `async reply` (taxonaut.models.chat_model.ChatModel), or a "
            "LangChain BaseChatModel"
        )
    raise InputError(
        f"models[{role!r}] is a {type(given).__name__}, which answers no requests; give a model string, settings, "
        "an object with `name`, `reads_prompts` and `async answer` (taxonaut.Answers), or a LangChain BaseChatModel"
    )


def injected(
    config: Config, objects: Mapping[str, Any], embedder: Embedder | None
) -> tuple[Config, Injected]:
    """Return settings that name the objects, as decisions and fingerprints show them, and the objects by name.

    An embedder takes the place of [embeddings] and of every `encoder/…` role's embedder.
    """
    roles: dict[str, ModelSettings] = {}
    named: dict[str, Any] = {}
    for role in ModelsConfig.model_fields:
        settings: ModelSettings = getattr(config.models, role)
        if role in objects:
            string = model_string(objects[role], role, named)
            named[string] = objects[role]
            roles[role] = settings.model_copy(update={"model": string, "join": None})
        elif embedder is not None and stands_for_another(settings, embedder):
            roles[role] = settings.model_copy(update={"model": f"{ENCODER}/{embedder.name}"})
    changes: dict[str, Any] = {"models": config.models.model_copy(update=roles)} if roles else {}
    if embedder is not None:
        changes["embeddings"] = config.embeddings.model_copy(update={"model": embedder.name})
    return config.model_copy(update=changes), Injected(named, embedder)


def model_string(model: Any, role: str, taken: Mapping[str, Any]) -> str:
    """Return the string that stands for an object in the settings: its name, told apart from other objects' names."""
    name = str(getattr(model, "name", "") or type(model).__name__)
    if name.partition("/")[0] in (ENCODER, GGUF):
        name = f"given/{name}"
    return name if taken.get(name, model) is model else f"{name} ({role})"


def stands_for_another(settings: ModelSettings, embedder: Embedder) -> bool:
    """Whether a role's model is an encoder on an embedder of another name."""
    return settings.provider == ENCODER and encoder_embedder(settings).model != embedder.name
