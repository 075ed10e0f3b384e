"""The typed state of each LangGraph graph, in a file named like the graph."""
