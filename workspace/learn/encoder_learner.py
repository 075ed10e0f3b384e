"""The learner that fine-tunes the workspace's own encoder."""

from taxonaut.models.adapt.contrast_data import ContrastSettings
from taxonaut.models.adapt.finetuning import FinetuningLearner, encoder_folder
from taxonaut.models.weights import ONNX_PREFIX
from taxonaut.state.errors import InputError
from taxonaut.state.workspace_folder import LEARNED_FOLDER
from taxonaut.workspace.core.core import Core

CHECKPOINTS = ".checkpoints"
"""The folder in `learned/` from which a killed training continues."""


def encoder_learner(workspace: Core, settings: ContrastSettings | None = None) -> FinetuningLearner:
    """Return the learner of a fine-tuned encoder. It begins with the encoder of [embeddings], whatever is in use.

    Raises InputError for embeddings that are no encoder of ONNX Runtime, WeightsMissingError for one that is not
    pulled.
    """
    model = workspace.config.embeddings.model
    if workspace.wiring.injected.embedder is not None or not model.startswith(ONNX_PREFIX):
        given = (
            "an embedder given by the program"
            if workspace.wiring.injected.embedder is not None
            else repr(model)
        )
        raise InputError(
            f"{given} cannot be fine-tuned; set an encoder under [embeddings], such as model = "
            '"onnx/all-minilm-l6-v2", or learn without fine-tuning'
        )
    kept = workspace.folder / LEARNED_FOLDER / CHECKPOINTS
    return FinetuningLearner(encoder_folder(model), settings, kept)
