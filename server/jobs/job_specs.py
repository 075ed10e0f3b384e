"""What can be asked as a job, and how it is kept."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

MOST_ITEMS = 100_000

Text = Annotated[str, Field(max_length=200_000)]
ShortText = Annotated[str, Field(max_length=2_000)]


class JobItem(BaseModel):
    """A text, with an id of yours if you have one, and its labels (by id, name or path) where they are known."""

    text: Text
    id: ShortText | None = None
    labels: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=20_000)]], Field(max_length=1_000)
    ] = []


JobItems = Annotated[list[Text | JobItem], Field(min_length=1, max_length=MOST_ITEMS)]


class ClassifyJob(BaseModel):
    """Label texts by walking the tree."""

    kind: Literal["classify"]
    items: JobItems
    top: Annotated[int, Field(ge=1, le=100)] | None = None


class CategorizeJob(BaseModel):
    """Give each text one category, by the trained expert and the general one."""

    kind: Literal["categorize"]
    items: JobItems
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class EvaluateJob(BaseModel):
    """Compare methods on texts with labels, by default those whose labels the ledger knows."""

    kind: Literal["evaluate"]
    items: Annotated[list[Text | JobItem], Field(max_length=MOST_ITEMS)] = []
    methods: Annotated[list[ShortText], Field(min_length=1, max_length=20)] = ["navigate", "dense", "bm25"]


class LearnJob(BaseModel):
    """Learn from texts with labels, by default all that the ledger knows; `adopt`: `auto` uses what passes."""

    kind: Literal["learn"]
    items: Annotated[list[JobItem], Field(max_length=MOST_ITEMS)] = []
    adopt: Literal["auto", "never"] = "never"


class TrainExpertJob(BaseModel):
    """Train a domain expert on texts with labels."""

    kind: Literal["train_expert"]
    items: Annotated[list[JobItem], Field(min_length=2, max_length=MOST_ITEMS)]


class BuildIndexJob(BaseModel):
    """Build a tree over the labels."""

    kind: Literal["build_index"]
    method: Literal["kmeans", "agents"] = "kmeans"
    terminal_size: Annotated[int, Field(ge=2, le=10_000)] | None = None


class BuildVocabularyJob(BaseModel):
    """Build a vocabulary of descriptors from texts."""

    kind: Literal["build_vocabulary"]
    items: JobItems
    sample: Annotated[int, Field(ge=0, le=MOST_ITEMS)] = 0


class AssignVocabularyJob(BaseModel):
    """Assign descriptors of the vocabulary to texts."""

    kind: Literal["assign_vocabulary"]
    items: JobItems
    every: bool = False


class NewLabel(BaseModel):
    """A label to add; the annotator finds its place in the tree."""

    id: ShortText
    name: ShortText
    description: Annotated[str, Field(max_length=20_000)] = ""
    alternatives: Annotated[list[ShortText], Field(max_length=1_000)] = []


class AddLabelsJob(BaseModel):
    """Add labels to the tree, each where it belongs."""

    kind: Literal["add_labels"]
    labels: Annotated[list[NewLabel], Field(min_length=1, max_length=MOST_ITEMS)]


class ReviewErrorsJob(BaseModel):
    """Fill the review queue with items whose labels are likely wrong; without `items`, the expert's own."""

    kind: Literal["review_errors"]
    items: Annotated[list[JobItem], Field(max_length=MOST_ITEMS)] = []
    limit: Annotated[int, Field(ge=0, le=MOST_ITEMS)] = 0


class ReviewNextJob(BaseModel):
    """Fill the review queue with the items from which most is learned, by default of the workspace's own."""

    kind: Literal["review_next"]
    items: Annotated[list[Text | JobItem], Field(max_length=MOST_ITEMS)] = []
    count: Annotated[int, Field(ge=1, le=MOST_ITEMS)] = 20


class ReviewDoubtsJob(BaseModel):
    """Label texts, by default the workspace's own without known labels, and put doubtful answers into the queue."""

    kind: Literal["review_doubts"]
    items: Annotated[list[Text | JobItem], Field(max_length=MOST_ITEMS)] = []
    limit: Annotated[int, Field(ge=1, le=MOST_ITEMS)] = 200


class MapJob(BaseModel):
    """Draw the items, or the labels, on a plane (GET /api/map)."""

    kind: Literal["map"]
    of: Literal["items", "labels"] = "items"


JobSpec = Annotated[
    ClassifyJob
    | CategorizeJob
    | EvaluateJob
    | LearnJob
    | TrainExpertJob
    | BuildIndexJob
    | BuildVocabularyJob
    | AssignVocabularyJob
    | AddLabelsJob
    | ReviewErrorsJob
    | ReviewNextJob
    | ReviewDoubtsJob
    | MapJob,
    Field(discriminator="kind"),
]

JobState = Literal["waiting", "running", "finished", "failed", "cancelled", "interrupted"]


class JobRecord(BaseModel):
    """A job. `results` counts the result rows that are there; `summary` is set when it is finished.

    `error` is the problem that ended it. Times are seconds since 1970. An `interrupted` one was cut off with the
    service; that, a failed and a cancelled one can be continued.
    """

    id: str
    kind: str
    state: JobState
    created: float
    started: float | None = None
    ended: float | None = None
    stage: str = ""
    done: int = 0
    total: int | None = None
    results: int = 0
    summary: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
