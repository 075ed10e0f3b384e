"""Training the domain expert, categorizing with it, auditing it."""

from typing import TYPE_CHECKING

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.workspace.expert import audit as audit
    from taxonaut.workspace.expert import audit_file as audit_file
    from taxonaut.workspace.expert import categorize as categorize
    from taxonaut.workspace.expert import categorized_rows as categorized_rows
    from taxonaut.workspace.expert import definitions as definitions
    from taxonaut.workspace.expert import disagreements as disagreements
else:
    __getattr__ = lazy_modules(__name__)
