"""A library in Django: included modules, regular expressions, class-based views, the REST framework's routers."""
