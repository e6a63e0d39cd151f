"""The embedded bus in SQL: its tables, how records are appended, moved from an outbox, and read."""

from __future__ import annotations

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS bus;
CREATE TABLE IF NOT EXISTS bus.head (
    topic text NOT NULL, partition int NOT NULL, next_offset bigint NOT NULL DEFAULT 0, writer text NOT NULL,
    PRIMARY KEY (topic, partition));
CREATE TABLE IF NOT EXISTS bus.record (
    topic text COLLATE "C" NOT NULL, partition int NOT NULL, "offset" bigint NOT NULL, key text NOT NULL,
    headers json NOT NULL, data bytea STORAGE EXTERNAL NOT NULL,
    appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, "offset")) WITH (toast_tuple_target = 8160);
CREATE TABLE IF NOT EXISTS bus.cursor (
    grp text NOT NULL, topic text NOT NULL, partition int NOT NULL, position bigint NOT NULL DEFAULT 0,
    owner int, epoch bigint NOT NULL DEFAULT 0, lease_until timestamptz,
    PRIMARY KEY (grp, topic, partition));
CREATE TABLE IF NOT EXISTS bus.group_member (
    grp text NOT NULL, member int NOT NULL, seen_at timestamptz NOT NULL, PRIMARY KEY (grp, member));
GRANT USAGE ON SCHEMA bus TO PUBLIC;
CREATE OR REPLACE FUNCTION bus.append(topics text[], parts int[], keys text[], heads json[], bodies bytea[])
RETURNS TABLE (topic text, part int, base bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM 1 FROM bus.head h WHERE (h.topic, h.partition) IN (SELECT DISTINCT * FROM unnest(topics, parts))
        ORDER BY h.topic, h.partition FOR UPDATE;
    IF EXISTS (SELECT FROM unnest(topics) t WHERE NOT EXISTS (SELECT FROM bus.head h WHERE h.topic = t
            AND h.writer = current_setting('role'))) THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s writes none of %s', current_setting('role'), topics);
    END IF;
    RETURN QUERY WITH incoming AS (SELECT * FROM unnest(topics, parts, keys, heads, bodies) WITH ORDINALITY
            AS t(topic, partition, key, headers, data, n)),
        counted AS (SELECT i.topic, i.partition, count(*) AS n FROM incoming i GROUP BY i.topic, i.partition),
        moved AS (UPDATE bus.head h SET next_offset = h.next_offset + c.n FROM counted c
            WHERE h.topic = c.topic AND h.partition = c.partition
            RETURNING h.topic, h.partition, h.next_offset - c.n AS base),
        placed AS (INSERT INTO bus.record (topic, partition, "offset", key, headers, data)
            SELECT i.topic, i.partition,
                m.base - 1 + row_number() OVER (PARTITION BY i.topic, i.partition ORDER BY i.n),
                i.key, i.headers, i.data
            FROM incoming i JOIN moved m ON m.topic = i.topic AND m.partition = i.partition)
        SELECT m.topic, m.partition, m.base FROM moved m;
END $$;
"""
"""Only the service that the catalogue names as a topic's writer appends to it, by its database role.

A record is written once and read whole, so it is kept as it came: not taken apart, not compressed (much of it is
sealed), and on one page where it fits.
"""

APPEND = """
WITH incoming AS (SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::json[], $5::bytea[])
        WITH ORDINALITY AS t(topic, partition, key, headers, data, n)),
    heads AS MATERIALIZED (SELECT h.topic, h.partition FROM bus.head h
        WHERE (h.topic, h.partition) IN (SELECT DISTINCT topic, partition FROM incoming)
        ORDER BY h.topic, h.partition FOR UPDATE),
"""
PLACE = """
    counted AS (SELECT topic, partition, count(*) AS n FROM incoming GROUP BY topic, partition),
    moved AS (UPDATE bus.head h SET next_offset = h.next_offset + c.n FROM counted c
        WHERE h.topic = c.topic AND h.partition = c.partition
        RETURNING h.topic, h.partition, h.next_offset - c.n AS base),
    placed AS (INSERT INTO bus.record (topic, partition, "offset", key, headers, data)
        SELECT i.topic, i.partition, m.base - 1 + row_number() OVER (PARTITION BY i.topic, i.partition ORDER BY i.n),
            i.key, i.headers, i.data
        FROM incoming i JOIN moved m USING (topic, partition) RETURNING topic)
SELECT topic, count(*) AS n FROM placed GROUP BY topic
"""
KEPT = """
SELECT h.partition, coalesce((SELECT min(r."offset") FROM bus.record r
    WHERE r.topic = h.topic AND r.partition = h.partition), h.next_offset) AS begin, h.next_offset AS end
FROM bus.head h WHERE h.topic = $1 ORDER BY h.partition
"""
FETCH = """
SELECT r.topic, r.partition, r."offset", r.key, r.headers, r.data
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS p(topic, partition, position)
CROSS JOIN LATERAL (SELECT * FROM bus.record r WHERE r.topic = p.topic AND r.partition = p.partition
    AND r."offset" >= p.position ORDER BY r."offset" LIMIT $4) r
"""


def relay_sql(schema: str) -> str:
    # One statement: the lock makes one relay an outbox active, so that nothing is overtaken; rows leave the outbox
    # and reach the log in the same transaction.
    return f"""
WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext('relay.{schema}')) AS mine),
    incoming AS MATERIALIZED (DELETE FROM "{schema}".outbox WHERE (SELECT mine FROM turn) AND seq IN
        (SELECT seq FROM "{schema}".outbox ORDER BY seq LIMIT $1)
        RETURNING topic, partition, key, headers, data, seq AS n),
{PLACE}"""
