"""Datasets: formats, rules, validation, split and conversion. One streaming pass, in bounded memory."""
