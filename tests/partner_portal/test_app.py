"""What holds for every page and every answer of the portal."""

from flask.testing import FlaskClient


def test_home(client: FlaskClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200, answer.text
