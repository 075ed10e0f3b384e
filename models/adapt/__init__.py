"""Learners: what labelled items teach a model, a matrix or a neighbourhood (XMC-Agent 2.3)."""
