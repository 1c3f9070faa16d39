"""What the page shows at each stage; the library that draws it is given to each view."""
