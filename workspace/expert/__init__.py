"""Training the domain expert, categorizing with it, auditing it."""
