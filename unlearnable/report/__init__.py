"""Reports for people: pages in one file each, tables, curves and figures."""
