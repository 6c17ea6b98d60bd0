"""One file per algorithm, and the registry that names them."""
