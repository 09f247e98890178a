from collections.abc import Mapping

from django.contrib.auth.base_user import AbstractBaseUser
from django.forms import Form
from django.http import HttpRequest

class DefaultAccountAdapter:
    error_messages: Mapping[str, object]
    def is_open_for_signup(self, request: HttpRequest) -> bool: ...
    def get_signup_redirect_url(self, request: HttpRequest) -> str: ...
    def save_user(
        self, request: HttpRequest, user: AbstractBaseUser, form: Form, commit: bool = True
    ) -> AbstractBaseUser: ...
    def authenticate(self, request: HttpRequest, **credentials: str) -> AbstractBaseUser | None: ...
