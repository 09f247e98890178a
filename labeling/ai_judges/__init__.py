"""AI judges: which comparisons they are asked about, what they read, and how their answers are read. Nothing here makes
a ranking."""
