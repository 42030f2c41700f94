"""The Flask application (JSON API and web pages), sign-in, and the ``atouts`` command."""
