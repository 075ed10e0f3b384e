"""The methods of `taxonaut evaluate`, a family per file; `registry` lists them by name."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.evaluation.methods import method as method
    from taxonaut.evaluation.methods import registry as registry
    from taxonaut.evaluation.methods import workspace_experts as workspace_experts
else:
    __getattr__ = lazy_modules(__name__)
