"""In which order do the tests run?"""


def pytest_collection_modifyitems(items):
    """Tests of whole runs go first: where several workers share the files, the last is then soon done."""
    items.sort(key=lambda item: item.path.parent.name != "workflow")
