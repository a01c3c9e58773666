package db

import (
	"context"
	"maps"
	"slices"
	"time"

	"dnsbld/listing"
)

// LastChange is when the list was last changed, as the log says; the zero time of
// a list that never was.
func (d *DB) LastChange(ctx context.Context) (last time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return last, err
	}
	err = d.read(func(s *state) error {
		rec, err := s.lastRecord(1<<64 - 1)
		if rec != nil {
			last = rec.header().Time
		}
		return err
	})
	return last, err
}

// Span is when the oldest change that is kept was made, and the newest; zero times of
// a list that never was changed.
func (d *DB) Span(ctx context.Context) (oldest, newest time.Time, err error) {
	if newest, err = d.LastChange(ctx); err != nil {
		return oldest, newest, err
	}
	err = d.read(func(s *state) error {
		k, _ := s.tx.Bucket(logBucket).Cursor().Seek(revisionKey(s.forgotten() + 1))
		if k == nil {
			return nil
		}
		revision, _, _ := cutRevision(k)
		rec, err := s.record(revision)
		if err == nil {
			oldest = rec.header().Time
		}
		return err
	})
	return oldest, newest, err
}

// Ends counts by the hour, over the last week of the log, how many entries ended
// because their time had come: what is usual in this list.
func (d *DB) Ends(ctx context.Context) (*listing.Hourly, error) {
	last, err := d.LastChange(ctx)
	byHour := map[int64]int{}
	for next := listing.Revision(1<<64 - 1); err == nil && next > 0; {
		if err = ctx.Err(); err != nil {
			break
		}
		err = d.read(func(s *state) (err error) {
			next, err = s.countEnds(next, last.Add(-7*listing.Day), byHour)
			return err
		})
	}
	ends := new(listing.Hourly)
	for _, hour := range slices.Sorted(maps.Keys(byHour)) {
		ends.Turn(time.Unix(hour*3600, 0))
		ends.Count += byHour[hour]
	}
	return ends, err
}

// countEnds counts in some records, from one backwards, as long as they are not
// older than a time, and says where to go on: 0 for nowhere.
func (s *state) countEnds(from listing.Revision, since time.Time, byHour map[int64]int) (next listing.Revision, err error) {
	const atOnce = 1024
	for range atOnce {
		rec, err := s.lastRecord(from)
		if err != nil || rec == nil || rec.header().Time.Before(since) {
			return 0, err
		}
		for _, c := range rec.verdict.Changes {
			if c.Because == listing.Expired && c.Kind == listing.EntryChange {
				byHour[rec.header().Time.Unix()/3600]++
			}
		}
		from = rec.revision - 1
	}
	return from, nil
}

// lastRecord is the last record of the log up to a revision, nil if there is none.
func (s *state) lastRecord(upTo listing.Revision) (*record, error) {
	c := s.tx.Bucket(logBucket).Cursor()
	k, _ := c.Seek(revisionKey(upTo))
	if k == nil {
		k, _ = c.Last()
	} else if at, _, _ := cutRevision(k); at > upTo {
		k, _ = c.Prev()
	}
	if k == nil {
		return nil, nil
	}
	revision, _, _ := cutRevision(k)
	if revision <= s.forgotten() {
		return nil, nil
	}
	return s.record(revision)
}
