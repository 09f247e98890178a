"""From records to a finished folder: rows, files, manifest and card."""
