"""Settings of a Django project."""

# ruleid: python-django-debug
DEBUG = True
INSTALLED_APPS = ["django.contrib.auth", "shop"]
# ruleid: python-hardcoded-secret-key
SECRET_KEY = "django-insecure-made-up"
