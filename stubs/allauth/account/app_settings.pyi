LOGIN_BY_CODE_ENABLED: bool
SIGNUP_FIELDS: dict[str, dict[str, bool]]
