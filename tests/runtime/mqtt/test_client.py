from __future__ import annotations

import ssl

import pytest

from runtime.mqtt.client import tls_error


def certificate_error(code, message):
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.reason, error.verify_code, error.verify_message = "CERTIFICATE_VERIFY_FAILED", code, message
    return error


@pytest.mark.parametrize("code", [62, 64])
def test_another_name_in_the_certificate_is_told(code):
    said = tls_error(certificate_error(code, "IP address mismatch, certificate is not valid for '127.0.0.1'."))
    assert "certificate is not valid for '127.0.0.1'; give the name that is in the certificate" in said
    assert "ca=" not in said and "port" not in said


def test_an_unknown_authority_and_what_is_no_tls_are_told_apart():
    said = tls_error(certificate_error(20, "unable to get local issuer certificate"))
    assert "unable to get local issuer certificate; does ca=FILE hold" in said and "port" not in said
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    assert "is this its TLS port" in tls_error(error)
