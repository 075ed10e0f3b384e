"""Tools that change the index by hand: move, merge, rename, split and remove."""
