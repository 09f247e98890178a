"""The trainer's pages, one module for each; every view fetches what its user may see, calls one
domain function and shows the result."""
