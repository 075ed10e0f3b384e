"""Remember what templates were rendered with, until the workspace closes."""

from collections.abc import Mapping
from typing import Any, get_type_hints

from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import TaxonautError
from taxonaut.state.stores.prompt_versions import KEPT, TemplateSamples


class SampleRecorder:
    """Takes the first few decisions of each template. What is written down never keeps work from being done."""

    def __init__(self, database: Database) -> None:
        self._samples = TemplateSamples(database)
        self._noted: dict[str, list[dict[str, Any]]] = {}
        self._written: set[str] = set()

    def wants(self, template: str) -> bool:
        """Say whether another sample of a template is wanted."""
        return template not in self._written and len(self._noted.get(template, ())) < KEPT

    def note(self, template: str, variables: Mapping[str, Any]) -> None:
        """Take the variables of one decision; those that the template does not have are left out."""
        if self.wants(template):
            declared = get_type_hints(VARIABLES[template])
            sample = {name: value for name, value in variables.items() if name in declared}
            noted = self._noted.setdefault(template, [])
            if sample not in noted:
                noted.append(sample)

    def flush(self) -> None:
        """Write what was noted; a workspace that cannot be written loses it."""
        noted, self._noted = self._noted, {}
        rows = [(template, sample) for template, samples in noted.items() for sample in samples]
        self._written.update(template for template, samples in noted.items() if len(samples) >= KEPT)
        try:
            self._samples.keep(rows)
        except TaxonautError:
            return

    def all(self) -> dict[str, list[dict[str, Any]]]:
        """Return all samples, those of this session too."""
        self.flush()
        return self._samples.all()
