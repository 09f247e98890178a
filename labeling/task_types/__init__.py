"""The kinds of work that a project can offer: one file each, found by `common.plugins`.

A new kind is a file here with a `TASK`, its pages, and its test; the home page, the project's form and the
contract test find it by its name.
"""
