"""The API of `import tunedrop` for notebooks and scripts."""
