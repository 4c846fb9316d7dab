"""Parts of HTML pages: elements, charts, thumbnails, the style sheet.

Does not belong here: the pages themselves, which are `report.page` and `check.page`. Uses `dataset.examples`.
"""
