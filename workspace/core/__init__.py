"""Settings, models and results that every part of a workspace uses."""
