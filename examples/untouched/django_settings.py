"""
The settings of the Django example.
"""

ALLOWED_HOSTS = ["127.0.0.1"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "django_shop"
SECRET_KEY = "of-an-example"  # noqa: S105  # Signs nothing here.
