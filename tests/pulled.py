"""Weights for the tests marked `local`; such a test is skipped, with the reason, where they are not here."""

import importlib.util
from pathlib import Path

import pytest

from taxonaut.models.weights import MINILM_ONNX, ModelCatalog


def require_weights(name: str = MINILM_ONNX.name) -> Path:
    """Return the path of a packaged model, the default embedder's unless told otherwise, or skip the test."""
    catalog = ModelCatalog()
    if not catalog.get(name).is_folder and importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("llama-cpp-python is not installed")
    if not catalog.is_here(name):
        pytest.skip(f"no weights: taxonaut models pull {name}")
    return catalog.path(name)
