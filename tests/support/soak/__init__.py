"""A run of months in short, for measuring: `python -m tests.support.soak`.

`schedule` says what fails when, `process` runs the command and looks at it from outside, `witnesses` are those who watch
it over the network, and `verdict` compares what went in with what came out.
"""
