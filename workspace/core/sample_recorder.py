"""Record sample variables of prompt templates, written when the workspace closes."""

from collections.abc import Mapping
from typing import Any, get_type_hints

from taxonaut.prompts.variables import VARIABLES
from taxonaut.state.db.connection import Database
from taxonaut.state.errors import TaxonautError
from taxonaut.state.stores.prompt_versions import KEPT, TemplateSamples


class SampleRecorder:
    """Records the variables of the first decisions of each template; a failure to write never stops the work."""

    def __init__(self, database: Database, *, texts: bool = True) -> None:
        self._texts = texts
        self._samples = TemplateSamples(database)
        self._noted: dict[str, list[dict[str, Any]]] = {}
        self._written: set[str] = set()

    def wants(self, template: str) -> bool:
        """Tell whether another sample of a template is wanted."""
        return self._texts and template not in self._written and len(self._noted.get(template, ())) < KEPT

    def note(self, template: str, variables: Mapping[str, Any]) -> None:
        """Record the variables of one decision that the template declares."""
        if self.wants(template):
            declared = get_type_hints(VARIABLES[template])
            sample = {name: value for name, value in variables.items() if name in declared}
            noted = self._noted.setdefault(template, [])
            if sample not in noted:
                noted.append(sample)

    def flush(self) -> None:
        """Write the recorded samples; they are lost if the database cannot be written."""
        noted, self._noted = self._noted, {}
        rows = [(template, sample) for template, samples in noted.items() for sample in samples]
        self._written.update(template for template, samples in noted.items() if len(samples) >= KEPT)
        try:
            self._samples.keep(rows)
        except TaxonautError:
            return

    def all(self) -> dict[str, list[dict[str, Any]]]:
        """Return all samples by template, this session's included."""
        self.flush()
        return self._samples.all()
