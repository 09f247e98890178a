"""Shapes of what goes in and comes out, by noun. What is allowed beyond the shape is the domain's decision."""
