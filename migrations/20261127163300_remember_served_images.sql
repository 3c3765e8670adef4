-- An image that an environment got while it did not run is on trial until it serves.

ALTER TABLE runtimes
    -- The image that served last, while the present one has not served yet; NULL once it has, or where none ever did.
    ADD COLUMN served_image_id  uuid REFERENCES images;
