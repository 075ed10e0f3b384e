"""Dependency injection: model objects that replace the models of the settings."""

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
"""What a role accepts: a model string, settings, an object that answers requests, or a LangChain chat model."""

ASSISTANT = "assistant"
"""The role that leads conversations; its object has `name` and `reply` (`models.chat_model.ChatModel`)."""


@dataclass(frozen=True)
class Injected:
    """The caller's objects, which the caller closes; `models` by their model string in the settings."""

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
    """Read a workspace's settings, with the arguments of `Workspace.open` applied."""
    settings, objects = split_roles(models)
    given: dict[str, Any] = {**tables, **({"models": settings} if settings else {})}
    config, found = inject(load_config(folder, given, trust=trust), objects, embedder)
    return config, replace(found, classifier=classifier)


def split_roles(models: Mapping[str, RoleModel] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split roles into those with settings and those with objects. Raises InputError for an unknown role or type."""
    settings: dict[str, Any] = {}
    objects: dict[str, Any] = {}
    for role, given in (models or {}).items():
        if role not in ModelsConfig.model_fields:
            known = ", ".join(ModelsConfig.model_fields)
            raise InputError(f"unknown role {role!r}; the roles are: {known}")
        if isinstance(given, str):
            settings[role] = {"model": given}
        elif isinstance(given, Mapping):
            settings[role] = given
        else:
            objects[role] = role_object(role, given)
    return settings, objects


def role_object(role: str, given: Any) -> Any:
    """Return the object for a role; a LangChain chat model is wrapped in an adapter."""
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


def inject(config: Config, objects: Mapping[str, Any], embedder: Embedder | None) -> tuple[Config, Injected]:
    """Return settings that name the objects, for decisions and fingerprints, and the objects by that name.

    An embedder replaces that of [embeddings] and of every `encoder/…` role.
    """
    roles: dict[str, ModelSettings] = {}
    named: dict[str, Any] = {}
    for role in ModelsConfig.model_fields:
        settings: ModelSettings = getattr(config.models, role)
        if role in objects:
            string = model_string(objects[role], role, named)
            named[string] = objects[role]
            roles[role] = settings.model_copy(update={"model": string, "join": None})
        elif embedder is not None and uses_other_embedder(settings, embedder):
            roles[role] = settings.model_copy(update={"model": f"{ENCODER}/{embedder.name}"})
    changes: dict[str, Any] = {"models": config.models.model_copy(update=roles)} if roles else {}
    if embedder is not None:
        changes["embeddings"] = config.embeddings.model_copy(update={"model": embedder.name})
    return config.model_copy(update=changes), Injected(named, embedder)


def model_string(model: Any, role: str, taken: Mapping[str, Any]) -> str:
    """Return an object's model string for the settings: its name, made unique."""
    name = str(getattr(model, "name", "") or type(model).__name__)
    if name.partition("/")[0] in (ENCODER, GGUF):
        name = f"given/{name}"
    return name if taken.get(name, model) is model else f"{name} ({role})"


def uses_other_embedder(settings: ModelSettings, embedder: Embedder) -> bool:
    """Tell whether a role's model is an encoder with an embedder of another name."""
    return settings.provider == ENCODER and encoder_embedder(settings).model != embedder.name
