"""In which order agents act: builders of uncompiled LangGraph state graphs, one per file."""
