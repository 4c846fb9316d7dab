"""Parts of HTML pages: charts, thumbnails, the style sheet.

Pages themselves are `report.page` and `check.page`. Uses `dataset.examples`.
"""
