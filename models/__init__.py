"""How a model is reached: LiteLLM, the in-process GGUF and encoder providers, packaged weights."""
