"""The pages of the reference, written from the code when the site is built: a module a page."""
