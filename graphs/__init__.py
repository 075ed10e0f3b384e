"""In which order agents act: builders of uncompiled LangGraph state graphs.

>>> from taxonaut.graphs import navigate
"""

# Imported here and not on demand: importing the module taxonaut.graphs.navigate would otherwise put the
# module in the place of the function of the same name.
from taxonaut.graphs.assign_vocabulary import assign_vocabulary
from taxonaut.graphs.build_index import build_index
from taxonaut.graphs.build_vocabulary import build_vocabulary
from taxonaut.graphs.categorize import categorize
from taxonaut.graphs.converse import converse
from taxonaut.graphs.insert_labels import insert_labels
from taxonaut.graphs.navigate import navigate
from taxonaut.graphs.policies import BuildPolicy, VocabularyPolicy, WalkPolicy
from taxonaut.graphs.progress import listening

__all__ = [
    "BuildPolicy",
    "VocabularyPolicy",
    "WalkPolicy",
    "assign_vocabulary",
    "build_index",
    "build_vocabulary",
    "categorize",
    "converse",
    "insert_labels",
    "listening",
    "navigate",
]
