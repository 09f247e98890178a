from django import forms
from django.contrib.auth.tokens import PasswordResetTokenGenerator

class EmailAwarePasswordResetTokenGenerator(PasswordResetTokenGenerator): ...

class LoginForm(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None: ...
