"""`python -m tests.support.release`, which is `make release-check`: what is true of a release before it is made.

`distributions` builds the wheel and the sdist, `contents` says what must be in them, `environments` installs the wheel as
a user does, `extras` says what must then work.
"""
