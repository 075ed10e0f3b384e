"""Language models through LiteLLM: the client, retries, cache, errors, embeddings."""
