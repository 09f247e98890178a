from django import forms

class SignupForm(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None: ...
