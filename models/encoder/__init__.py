"""Score texts against options with an embedder, without a language model."""
