"""What several agents share: texts and vectors of labels, exemplars, clusters."""
