-- What a new version of a plan would mean for those who are on the present one: asked for by staff, computed by the worker, some
-- environments at a time.

CREATE TABLE plan_previews (
    id                   uuid PRIMARY KEY
  , plan_version_id      uuid NOT NULL REFERENCES plan_versions
    -- The version that they are on.
  , compared_version_id  uuid NOT NULL REFERENCES plan_versions CHECK (compared_version_id <> plan_version_id)
  , asked_by             text NOT NULL
  , asked_at             timestamptz NOT NULL
    -- When it was written down who is on it.
  , listed_at            timestamptz
  , done_at              timestamptz CHECK (done_at IS NULL OR listed_at IS NOT NULL)
);
CREATE INDEX plan_previews_by_version ON plan_previews (plan_version_id, asked_at DESC);
CREATE INDEX plan_previews_open ON plan_previews (asked_at) WHERE done_at IS NULL;

CREATE INDEX environment_segments_open_by_version ON environment_segments (plan_version_id) WHERE until_at IS NULL;

CREATE TABLE plan_preview_rows (
    preview_id      uuid NOT NULL REFERENCES plan_previews ON DELETE CASCADE
  , environment_id  uuid NOT NULL REFERENCES environments
  , account_id      uuid NOT NULL REFERENCES accounts
    -- NULL: not looked at yet.
  , looked_at       timestamptz
    -- What the last closed month comes to with all of its time on the present version, and on the new one; NULL when no month
    -- is closed that it was there in.
  , currency        text CHECK (currency IN ('EUR', 'MAD'))
  , from_at         timestamptz
  , before_minor    bigint
  , after_minor     bigint
    -- Why it could not be computed.
  , problem         text NOT NULL DEFAULT ''
  , PRIMARY KEY (preview_id, environment_id)
  , CHECK ((before_minor IS NULL) = (after_minor IS NULL))
  , CHECK (before_minor IS NULL OR (currency IS NOT NULL AND from_at IS NOT NULL AND looked_at IS NOT NULL))
);
CREATE INDEX plan_preview_rows_to_look_at ON plan_preview_rows (preview_id, account_id, environment_id) WHERE looked_at IS NULL;
