"""Understanding requests without a language model."""
