from collections.abc import Iterator

class ValidationError(Exception):
    json_path: str
    message: str

class Draft7Validator:
    def __init__(self, schema: object) -> None: ...
    def iter_errors(self, instance: object) -> Iterator[ValidationError]: ...
