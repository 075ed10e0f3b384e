"""Learning from labelled items (XMC-Agent 2.3)."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.learn import adapter_trial as adapter_trial
    from taxonaut.workspace.learn import corrections as corrections
    from taxonaut.workspace.learn import example_files as example_files
    from taxonaut.workspace.learn import feedback as feedback
    from taxonaut.workspace.learn import language_model as language_model
    from taxonaut.workspace.learn import marking as marking
    from taxonaut.workspace.learn import model_examples as model_examples
else:
    __getattr__ = lazy_modules(__name__)
