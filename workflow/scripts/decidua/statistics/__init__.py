"""The statistics of a cohort: methods (a module a family) and the chapter's tables made with them."""
