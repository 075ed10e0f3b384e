"""The trained classifier: features, heads, stacking, calibration, fine-tuning."""
