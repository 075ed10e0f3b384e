"""What the tests of the service share: its token, and a small workspace."""

from pathlib import Path

from fakes import packaged_embedder

from taxonaut.workspace.files.label_files import read_labels
from taxonaut.workspace.workspace import Workspace

TOKEN = "a-token-for-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

LABELS = """\
id,name,path
shoes,Running shoes,Sport > Shoes > Running shoes
boots,Hiking boots,Sport > Shoes > Hiking boots
tents,Family tents,Sport > Camping > Family tents
apples,Red apples,Food > Fruit > Red apples
pears,Green pears,Food > Fruit > Green pears
"""


def make_workspace(folder: Path, labels: str = LABELS) -> Workspace:
    """Make a workspace of a label file, with an embedder that needs no weights."""
    workspace = Workspace.init(folder / "shop", embedder=packaged_embedder())
    (folder / "labels.csv").write_text(labels, encoding="utf-8")
    workspace.import_labels(read_labels(str(folder / "labels.csv")))
    return workspace
