package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"syscall"
	"time"

	"dnsbld/db"
	"dnsbld/files"
	"dnsbld/listing"
)

// openStore opens the list, alone: the file is locked, and a second daemon gets
// listing.ErrUnavailable.
func (d *dnsbld) openStore(ctx context.Context) error {
	cfg := d.cfg.Load()
	if d.readOnly = d.begun.ReadOnly; d.readOnly != "" {
		return d.openReadOnly()
	}
	if err := files.MakeDir(cfg.Data); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	store, err := db.Open(cfg.Database, db.Options{})
	if errors.Is(err, syscall.EROFS) {
		d.log.Error("the disk of the list cannot be written to: DNS answers what is there until dnsbld is started again", "err", err)
		d.readOnly = cfg.Database
		return d.openReadOnly()
	}
	if err != nil {
		return err
	}
	d.store = store
	if d.lastChange, err = store.LastChange(ctx); err != nil { // before anything is written by the clock as it is now
		d.log.Error("reading when the list was last changed: ends of entries are not held back for a wrong clock", "err", err)
	}
	d.changes.Store(store)
	if st, err := store.Status(ctx); err == nil {
		d.warnOf(st.Doubt, "the file of the list")
	}
	if cfg.Mirror != "" {
		return nil // its serials are the primary's
	}
	if skipped, err := skipServed(ctx, store, cfg.Database, shifted(cfg.ClockOffset)(), d.log); err != nil {
		d.log.Error("the list may be older than what was served, and could not be taken behind that", "err", err)
	} else if skipped {
		d.log.Warn("the list is older than what was served: it goes on behind that")
	}
	return nil
}

// warnOf warns of a file of which it is not certain that it has its last change.
func (d *dnsbld) warnOf(doubt, file string) {
	if doubt != "" {
		d.log.Warn(file+" may lack its last change", "why", doubt)
	}
}

// openReadOnly opens what is served in place of the list. What was served before may
// have been newer: serials are then behind, and secondaries keep what they have.
func (d *dnsbld) openReadOnly() (err error) {
	if d.store, err = db.OpenReadOnly(d.readOnly); err != nil {
		return err
	}
	d.changes.Store(d.store)
	d.log.Warn("nothing can be changed: this file is served read-only", "file", d.readOnly)
	return nil
}

// note notes the configuration, where something can be noted. It is in force all the
// same where that fails.
func (d *dnsbld) note(ctx context.Context, hash string) {
	if d.readOnly != "" {
		return
	}
	if err := d.book.Configure(ctx, self(), hash); err != nil && ctx.Err() == nil {
		d.log.Error("noting the configuration: serials do not tell of its changes", "err", err)
	}
}

// Changes are those of the store that is open now, for the transfers of DNS,
// which outlives it.
func (d *dnsbld) Changes(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error] {
	return d.changes.Load().Changes(ctx, after)
}

// served is the revision that DNS answers from; zero: none yet.
func (d *dnsbld) served() listing.Revision {
	if set := d.live.Set(); set != nil {
		return set.Revision()
	}
	return 0
}

// afterDamage is how far serials skip when it cannot be read what was served:
// further than any list is ahead of another, and far from half of the serials,
// from where on secondaries take them for older ones (RFC 1982).
const afterDamage = 1 << 24

// skipServed lets a list that was put back by hand go on behind what had been
// served from the newer one. Where nobody can say what that was, it goes far
// ahead.
func skipServed(ctx context.Context, store *db.DB, file string, now time.Time, log *slog.Logger) (skipped bool, err error) {
	served, err := db.Watermark(file)
	if err != nil {
		st, failed := store.Status(ctx)
		aside, moved := db.SetWatermarkAside(file)
		if err := errors.Join(failed, moved); err != nil {
			return false, err
		}
		served = st.Head + afterDamage
		log.Error("it cannot be read what was served before: serials go far ahead", "kept", aside, "err", err)
	}
	return store.SkipServed(ctx, served, listing.Header{ID: rand.Text(), Time: now.UTC(), Actor: actor,
		Note: "the list is older than what was served"})
}

// follow keeps the served view at the list. Once there is a list to answer from,
// an error does not end DNS: it goes on with what it has, and logs an error every
// ten seconds.
func (d *dnsbld) follow(ctx context.Context) error {
	const again = 10 * time.Second
	for {
		err := d.live.Follow(ctx, d.store)
		if ctx.Err() != nil || d.live.Set() == nil {
			return err
		}
		d.log.Error("the list cannot be followed: DNS answers as it was", "revision", d.live.Set().Revision(), "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(again):
		}
	}
}
