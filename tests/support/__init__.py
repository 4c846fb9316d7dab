"""What tests share: small detectors and data sets, servers, other programs, and where things lie."""
