"""What `import tunedrop` offers to people who work in notebooks and scripts."""
