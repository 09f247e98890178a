"""Exports on the Hugging Face Hub: repositories made from here, what was pushed by whom, and taking it back."""
