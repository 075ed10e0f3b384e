"""The paths of the API, one file for each part of a workspace."""
