"""Settings."""

ROOT_URLCONF = "hall.urls"
