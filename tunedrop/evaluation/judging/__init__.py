"""Judge models: pairwise comparisons by Converse, and ratings by Bedrock's evaluation jobs."""
