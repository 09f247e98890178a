from tests.api.conftest import _fresh_rates, api

__all__ = ["_fresh_rates", "api"]
