"""The page: templates and scripts on the service's own API; nothing is loaded from elsewhere."""
