"""The package version, which is part of every run's fingerprint."""

VERSION = "0.1.0"
