"""What the paths of the API share: the open workspace, what answers texts, the jobs."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Query, Request

from taxonaut.server.access import Access, Limits
from taxonaut.server.chats import Chats
from taxonaut.server.jobs.job_manager import JobManager
from taxonaut.server.suggester import Suggester
from taxonaut.state.ids import EventId
from taxonaut.workspace.core.config import LabelsConfig
from taxonaut.workspace.files.index_formats.label_languages import ShownNames, shown_names
from taxonaut.workspace.review.review_queue import ReviewQueue
from taxonaut.workspace.vocabulary.reading import Vocabulary, read_vocabulary
from taxonaut.workspace.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Service:
    """A workspace that is served."""

    workspace: Workspace
    access: Access
    limits: Limits
    suggester: Suggester
    jobs: JobManager
    chats: Chats
    queues: dict[str, ReviewQueue] = field(default_factory=dict)
    """The review queue of each person who asked."""

    def names(self, language: str) -> ShownNames | None:
        """Return the labels' names in a language, None where they have those already, or for no language.

        Raises InputError for a language that no label has a name in.
        """
        return self._names(language, self.workspace.index.version()) if language else None

    @lru_cache(maxsize=8)  # noqa: B019
    def _names(self, language: str, _: EventId) -> ShownNames | None:
        return shown_names(self.workspace.with_table("labels", LabelsConfig(language=language)))

    def vocabulary(self) -> Vocabulary:
        """Return the vocabulary, read once for each version of the index and run. Raises InputError without one."""
        runs = self.workspace.runs.list()
        return self._vocabulary(
            self.workspace.index.version(), *(runs[0].id, runs[0].units) if runs else (0, 0)
        )

    @lru_cache(maxsize=1)  # noqa: B019
    def _vocabulary(self, _: EventId, _run: int, _units: int) -> Vocabulary:
        return read_vocabulary(self.workspace)


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(_service)]

LanguageQuery = Annotated[
    str,
    Query(max_length=35, description="Show names in this language, such as `de`, where labels have several."),
]
