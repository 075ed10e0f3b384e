"""Checking, versioning and trying edited prompt templates."""
