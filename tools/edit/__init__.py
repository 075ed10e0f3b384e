"""Tools that edit the index: move, merge, rename, split and remove nodes."""
