"""In which order agents act: builders of uncompiled LangGraph state graphs.

>>> from taxonaut.graphs import navigate
"""

# Imported here and not on demand: importing the module taxonaut.graphs.navigate would otherwise put the
# module in the place of the function of the same name.
from taxonaut.graphs.navigate import navigate
from taxonaut.graphs.policy import WalkPolicy

__all__ = ["WalkPolicy", "navigate"]
