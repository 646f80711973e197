-- Every asset that is ours to run must keep its clock to an approved source. The population is the inventory, so that
-- an asset which stopped reporting its clock is unknown instead of absent.
WITH clock AS (
    SELECT
        asset,
        -- Two sources may look at one asset: one bad answer decides, one unreadable answer leaves it open.
        bool_and(synced) AS synced,
        count(*) FILTER (WHERE synced IS NULL) AS synced_unread,
        max(abs(offset_us)) AS offset_us,
        count(*) FILTER (WHERE offset_us IS NULL) AS offset_unread,
        bool_and(source_approved) AS source_approved,
        count(*) FILTER (WHERE source_approved IS NULL) AS approved_unread,
        -- the servers approved are those of this service: while it does not run, something else sets the clock
        count(*) FILTER (WHERE service_active IS NOT TRUE) AS not_running,
        list(entry ORDER BY entry) AS entries
    FROM clock_status
    GROUP BY asset
)

SELECT
    asset.asset AS resource,
    list_prepend(asset.entry, clock.entries) AS entry,
    CASE
        WHEN clock.synced IS FALSE
            THEN fail('not_synchronised', 'the clock is not synchronised')
        WHEN clock.offset_us > $max_offset_ms * 1000
            THEN fail('offset_too_large', concat('the clock is off by ', clock.offset_us, ' µs'))
        WHEN clock.source_approved IS FALSE
            THEN fail('source_not_approved', 'a time server is not on the approved list')
        WHEN
            -- what was read is good: a bad answer has failed above
            clock.synced_unread = 0
            AND clock.offset_unread = 0
            AND clock.approved_unread = 0
            AND clock.not_running = 0
            THEN pass('in_time', concat('synchronised, off by ', clock.offset_us, ' µs'))
        ELSE unknown('clock_unread', 'state, service, offset or source of the clock could not be told')
    END AS result
FROM asset
LEFT JOIN clock ON asset.asset = clock.asset
