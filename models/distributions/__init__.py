"""Probabilities of labels, each by itself, as annotators who may disagree would give them."""
