"""llama.cpp in this process: chat, embeddings, grammars, weights."""
