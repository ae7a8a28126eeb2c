"""The web server: Falcon's resources, one file each, and Granian around them."""
