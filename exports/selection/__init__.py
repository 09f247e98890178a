"""Which records are in an export: rules, votes, near duplicates, what hides people. Knows no file and no format."""
