"""What several tools share: numbered options, clustering, names, the chat tool types."""
