"""Language understanding without a language model."""
