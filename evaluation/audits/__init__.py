"""Audits of the two experts: accuracy against the share of traffic sent to the general expert."""
