"""The manager's pages: each fetches the project among the person's own, and calls the domain functions."""
