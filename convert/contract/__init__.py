"""The file contract: its rules, its consumers, and the twins without post-processing.

Uses `file`.
"""
