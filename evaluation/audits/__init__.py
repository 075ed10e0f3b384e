"""Audits of the two experts: accuracy against the share of traffic sent to the general expert."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.evaluation.audits import audit_figure as audit_figure
    from taxonaut.evaluation.audits import audit_table as audit_table
    from taxonaut.evaluation.audits import proposal as proposal
else:
    __getattr__ = lazy_modules(__name__)
