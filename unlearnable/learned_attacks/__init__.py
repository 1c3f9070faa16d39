"""What a scraper may do to published posts with a model: purify photos, drop odd words, write captions anew."""
