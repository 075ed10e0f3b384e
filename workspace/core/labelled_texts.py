"""The texts of a workspace whose labels are known to be right, for demonstrations in prompts."""

from collections.abc import Sequence

from taxonaut.agents.support.demonstrations import DemonstrationText
from taxonaut.state.stores.items import Items
from taxonaut.state.stores.ledger import Ledger
from taxonaut.workspace.core.resumable import unit_key


def labelled_texts(ledger: Ledger, items: Items) -> Sequence[DemonstrationText]:
    """Return the labelled items whose text is stored and has not changed since, oldest first."""
    truths = ledger.truths()
    known = items.known(list(dict.fromkeys(truth.item for truth in truths.values())))
    found = ((item, truths.get(unit_key(item))) for item in known)
    return [
        DemonstrationText(item.id, item.text, truth.right)
        for item, truth in found
        if truth is not None and truth.right
    ]
