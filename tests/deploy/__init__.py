"""The files of `deploy/`: that they name what exists, and that the programs which read them take them."""
