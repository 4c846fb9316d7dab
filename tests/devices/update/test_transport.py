from __future__ import annotations

import pytest

pytest.importorskip("tuf")

from devices.update import transport
from devices.update.transport import HttpTransport
from runtime import InputError


def test_where_holds_no_password():
    transport = HttpTransport("https://site:S3c%23r3t@models.example:8443/fleet/?x=1")
    assert transport.where == "https://models.example:8443/fleet"


@pytest.mark.parametrize("password", ["S3c#r3t", "S3c?r3t", "S3c/r3t", "S3c r/3t", "a@S3c#r3t"])
def test_a_password_that_is_not_written_as_in_an_address(password):
    with pytest.raises(
        InputError, match=r"https://models.example/fleet: in a user or password write # as %23"
    ) as raised:
        HttpTransport(f"https://site:{password}@models.example/fleet")
    assert "S3c" not in str(raised.value) and "3t" not in str(raised.value)


@pytest.mark.parametrize("address", ["ftp://x/y", "http://", "https://[::1/x", "models.example/fleet"])
def test_what_is_no_address(address):
    with pytest.raises(InputError, match="is no address like"):
        HttpTransport(address)


@pytest.mark.parametrize(
    "text",
    [
        "HTTPSConnection(host='models.example.com', port=443): Failed to resolve 'models.example.com' (Name or service not known)",
        "<urllib3.connection.HTTPSConnection object at 0x7f>: Failed to resolve 'models.example.com' (Name or service not known)",
        "Failed to resolve 'models.example.com' (Name or service not known)",
    ],
)
def test_the_reason_is_told_without_the_objects_of_the_library(text):
    assert transport._reason(ValueError(text)) == "Failed to resolve 'models.example.com' (Name or service not known)"
