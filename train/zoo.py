"""The published COCO checkpoints: fetched once, verified, kept in the user's cache."""
