from django import forms

class AddWebAuthnForm(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None: ...

class EditWebAuthnForm(forms.Form):
    def __init__(self, *args: object, **kwargs: object) -> None: ...
