"""Evaluation: measures with confidence intervals, baselines, incremental labels, prompt trials, the demo."""
