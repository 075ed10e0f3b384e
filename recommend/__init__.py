"""For recommenders: a vocabulary's items and users' histories as files that recommenders read, and what codes tell.

What stands in `__all__` is public. Training a model takes PyTorch: pip install 'taxonaut[recommend]'.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from taxonaut.state.lazy_modules import lazy_modules

if TYPE_CHECKING:
    from taxonaut.recommend import codes_comparison as codes_comparison
    from taxonaut.recommend import dataset as dataset
    from taxonaut.recommend import item_codes as item_codes
    from taxonaut.recommend import slot_statistics as slot_statistics
    from taxonaut.recommend.codes_comparison import CodesResult, compare_codes
    from taxonaut.recommend.dataset import Dataset, export_dataset
    from taxonaut.recommend.histories import (
        Event,
        Histories,
        HistoryColumns,
        read_histories,
        split_histories,
        write_inter,
        write_sequences,
    )
    from taxonaut.recommend.interactions import Interactions, Query, read_interactions
    from taxonaut.recommend.item_codes import Codes, item_ids, make_codes, read_codes
    from taxonaut.recommend.leakage import Leakage, without_leakage
    from taxonaut.recommend.next_item_training import Trained, Training, ranked, score_items, train
    from taxonaut.recommend.prefix_tree import PrefixTree
    from taxonaut.recommend.rank_measures import measures, ranks
    from taxonaut.recommend.slot_statistics import SlotRow, slot_rows_csv, slot_rows_text, slot_table
    from taxonaut.recommend.vector_files import item_vectors
    from taxonaut.workspace.vocabulary.near_descriptors import nearest_descriptors
    from taxonaut.workspace.vocabulary.semantic_ids import semantic_ids

_HERE = "taxonaut.recommend"
_HOMES = {
    "Codes": f"{_HERE}.item_codes",
    "CodesResult": f"{_HERE}.codes_comparison",
    "Dataset": f"{_HERE}.dataset",
    "Event": f"{_HERE}.histories",
    "Histories": f"{_HERE}.histories",
    "HistoryColumns": f"{_HERE}.histories",
    "Interactions": f"{_HERE}.interactions",
    "Leakage": f"{_HERE}.leakage",
    "PrefixTree": f"{_HERE}.prefix_tree",
    "Query": f"{_HERE}.interactions",
    "SlotRow": f"{_HERE}.slot_statistics",
    "Trained": f"{_HERE}.next_item_training",
    "Training": f"{_HERE}.next_item_training",
    "compare_codes": f"{_HERE}.codes_comparison",
    "export_dataset": f"{_HERE}.dataset",
    "item_ids": f"{_HERE}.item_codes",
    "item_vectors": f"{_HERE}.vector_files",
    "make_codes": f"{_HERE}.item_codes",
    "measures": f"{_HERE}.rank_measures",
    "nearest_descriptors": "taxonaut.workspace.vocabulary.near_descriptors",
    "ranked": f"{_HERE}.next_item_training",
    "ranks": f"{_HERE}.rank_measures",
    "read_codes": f"{_HERE}.item_codes",
    "read_histories": f"{_HERE}.histories",
    "read_interactions": f"{_HERE}.interactions",
    "score_items": f"{_HERE}.next_item_training",
    "semantic_ids": "taxonaut.workspace.vocabulary.semantic_ids",
    "slot_rows_csv": f"{_HERE}.slot_statistics",
    "slot_rows_text": f"{_HERE}.slot_statistics",
    "slot_table": f"{_HERE}.slot_statistics",
    "split_histories": f"{_HERE}.histories",
    "train": f"{_HERE}.next_item_training",
    "without_leakage": f"{_HERE}.leakage",
    "write_inter": f"{_HERE}.histories",
    "write_sequences": f"{_HERE}.histories",
}

__all__ = [
    "Codes",
    "CodesResult",
    "Dataset",
    "Event",
    "Histories",
    "HistoryColumns",
    "Interactions",
    "Leakage",
    "PrefixTree",
    "Query",
    "SlotRow",
    "Trained",
    "Training",
    "compare_codes",
    "export_dataset",
    "item_ids",
    "item_vectors",
    "make_codes",
    "measures",
    "nearest_descriptors",
    "ranked",
    "ranks",
    "read_codes",
    "read_histories",
    "read_interactions",
    "score_items",
    "semantic_ids",
    "slot_rows_csv",
    "slot_rows_text",
    "slot_table",
    "split_histories",
    "train",
    "without_leakage",
    "write_inter",
    "write_sequences",
]


_module = lazy_modules(__name__)


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    if name not in _HOMES:
        return _module(name)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
