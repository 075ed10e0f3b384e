"""The typed state of each LangGraph graph, in a module named like the graph."""
