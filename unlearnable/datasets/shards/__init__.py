"""Photos packed into shards: tar files of webdataset and img2dataset, and Parquet files that hold them."""
