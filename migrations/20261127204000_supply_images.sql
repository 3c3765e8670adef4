-- Which machine has which image: nothing is placed where its image is not and cannot be got.
CREATE TABLE host_images (
    host_id   uuid NOT NULL REFERENCES hosts ON DELETE CASCADE
  , image_id  uuid NOT NULL REFERENCES images ON DELETE CASCADE
    -- coming → here or lacking; lacking is tried again.
  , state     text NOT NULL CHECK (state IN ('coming', 'here', 'lacking'))
    -- Since when it is so.
  , since     timestamptz NOT NULL
    -- Why it could not be got.
  , failure   text CHECK ((state = 'lacking') = (failure IS NOT NULL))
  , PRIMARY KEY (host_id, image_id)
);
CREATE INDEX host_images_by_image ON host_images (image_id);

-- Since when nobody needs an image; machines drop it after a while.
ALTER TABLE images ADD COLUMN unused_since timestamptz;

-- The images that somebody needs: what new environments run, and what any runtime, asleep or stopped ones among them, any
-- replica or any update still does.
CREATE VIEW images_in_use AS
SELECT images.id, images.reference, images.digest, images.pinned
  FROM images
 WHERE images.state = 'current'
    OR EXISTS (SELECT FROM runtimes WHERE runtimes.image_id = images.id AND runtimes.state <> 'gone')
    OR EXISTS (SELECT FROM replicas WHERE replicas.image_id = images.id)
    OR EXISTS (SELECT FROM environment_updates
                WHERE environment_updates.image_id = images.id AND environment_updates.ended_at IS NULL);

-- Who needs an image is asked with every change.
CREATE INDEX runtimes_by_image ON runtimes (image_id) WHERE state <> 'gone';
CREATE INDEX replicas_by_image ON replicas (image_id);
CREATE INDEX environment_updates_by_image ON environment_updates (image_id) WHERE ended_at IS NULL;
