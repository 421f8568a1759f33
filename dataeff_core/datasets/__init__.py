"""Readers: folders of images and videos become a frames table."""
