-- What containers must prove to the proxies before anything is sent to them: an address alone may be another one's by now.

ALTER TABLE images ADD COLUMN proves boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN images.proves IS 'Whether a container of it has ever proved itself: then all of them must.';

CREATE TABLE route_proofs (
    environment_id uuid PRIMARY KEY REFERENCES environments (id),
    proofs         jsonb NOT NULL
);
COMMENT ON TABLE route_proofs IS 'For the proxies alone: address:port of each container that its names lead to, and 32 bytes in hexadecimal that its proof is checked with (src/base/proof.rs).';
