"""What the views of the shop call."""


def find(words):
    return words
