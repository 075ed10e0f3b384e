"""Comparing two versions of a template on the same items, and evolving its blocks."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.evaluation.trials import evolution as evolution
    from taxonaut.evaluation.trials import trial as trial
    from taxonaut.evaluation.trials import trial_run as trial_run
else:
    __getattr__ = lazy_modules(__name__)
