"""Annif's own client works against the service, over a real port."""

from annif_client import AnnifClient
from serving import TOKEN, running

from taxonaut.state.ids import LabelId
from taxonaut.workspace.workspace import Workspace


def test_annifs_client(workspace: Workspace) -> None:
    with running(workspace) as url:
        client = AnnifClient(f"{url.replace('://', f'://:{TOKEN}@')}/v1/")
        (project,) = client.projects
        assert project["project_id"] == "shop"
        assert client.get_project("shop")["is_trained"]
        found = client.suggest("shop", "red apples", limit=1)
        assert [(each["uri"], each["label"]) for each in found] == [("apples", "Red apples")]
        documents = [{"text": "two hiking boots", "document_id": "b"}]
        (batch,) = client.suggest_batch("shop", documents, limit=1)
        assert (batch["document_id"], batch["results"][0]["uri"]) == ("b", "boots")
        client.learn("shop", [{"text": "juicy", "subjects": [{"uri": "pears", "label": "Green pears"}]}])
    (truth,) = workspace.ledger.truths().values()
    assert truth.right == (LabelId("pears"),)
