"""Long work of the service, each job in a process of its own."""
