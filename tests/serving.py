"""What the tests of the service share: its token, and a small workspace."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fakes import packaged_embedder

from taxonaut.server.access import Access, Limits
from taxonaut.server.app import create_api, guarded
from taxonaut.server.run import bind
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


@contextmanager
def running(workspace: Workspace) -> Iterator[str]:
    """Serve a workspace with uvicorn in a thread; yield its address."""
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        access, limits = Access(TOKEN, port=port), Limits()
        api = create_api(workspace, access, limits)
        server = uvicorn.Server(uvicorn.Config(guarded(api, access, limits), log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            api.state.service.jobs.ending = server.should_exit = True
            thread.join()
