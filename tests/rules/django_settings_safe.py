"""Settings of a Django project, as they are deployed."""

import os

# ok: python-django-debug
DEBUG = False
# ok: python-django-debug
TEMPLATE_DEBUG = True
# ok: python-hardcoded-secret-key
SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["django.contrib.auth", "shop"]
