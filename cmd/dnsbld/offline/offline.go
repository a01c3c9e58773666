// Package offline is what dnsbld does for `blctl --offline FILE`: it opens a
// store that no daemon has open, and serves the control protocol to the blctl
// that started it. It exists so that blctl links no storage engine, and as a
// package so that the tests of blctl can be that program.
package offline

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"dnsbld/ctl"
	"dnsbld/ctl/server"
	"dnsbld/db"
	"dnsbld/db/backup"
	"dnsbld/listing"
	"dnsbld/listing/index"
)

// Serve answers on an end of a socket pair until the other is closed. There is
// no configuration: reasons and policy are the built-in ones, and this list's
// own servers are not known. Without a file it can only restore one. If the file
// cannot be opened, that is the answer to each request.
func Serve(ctx context.Context, end *os.File, file, version string) error {
	l, err := server.Inherited(end)
	if err != nil {
		return err
	}
	cfg, closeStore, err := open(ctx, file)
	if err != nil {
		cfg.Unopened = err
	}
	cfg.Version, cfg.Restore, cfg.Rebuild = version, restore, rebuild
	return errors.Join(server.New(cfg).Serve(ctx, l), closeStore())
}

// open opens a store, and the view that follows it.
func open(ctx context.Context, file string) (cfg server.Config, closeStore func() error, err error) {
	closeStore = func() error { return nil }
	if err := check(file); err != nil {
		return cfg, closeStore, err
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		return cfg, closeStore, err
	}
	store, err := db.Open(file, db.Options{})
	if err != nil {
		return cfg, closeStore, err
	}
	live, policy := index.NewLive(), listing.DefaultPolicy()
	live.Protect(policy.NeverList())
	if err := live.Load(ctx, store); err != nil {
		return cfg, store.Close, err
	}
	following, stop := context.WithCancel(ctx)
	followed := make(chan error, 1)
	go func() { followed <- live.Follow(following, store) }()
	closeStore = func() error {
		stop()
		err := <-followed
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return errors.Join(err, store.Close())
	}
	book := listing.NewBook(store, live, listing.Rules{Reasons: reasons, Policy: policy}, time.Now)
	return server.Config{Book: book, Live: live, Verify: store.Audit, Compact: compactor(store), Backup: store.Backup, Spool: store.Nameless}, closeStore, nil
}

// check refuses what is not there, and what is to stay as it is.
func check(file string) error {
	if file == "" {
		return &listing.Error{Kind: listing.ErrInvalid, Code: "no-store", Message: "no store was named", Hint: "give --offline FILE"}
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return &listing.Error{Kind: listing.ErrUnavailable, Code: "no-store", Message: "there is no store " + file,
			Hint: "the store of a daemon is listings.db in its data directory"}
	}
	if backup.Is(file) {
		return &listing.Error{Kind: listing.ErrInvalid, Code: "a-backup", Message: file + " is a backup, and is kept as it is",
			Hint: "`blctl restore " + file + " --to FILE` makes a store of it elsewhere"}
	}
	return nil
}

// restore makes a backup the list at a path.
func restore(ctx context.Context, who listing.Caller, c ctl.Restore) (out ctl.Restored, err error) {
	r, err := db.Restore(ctx, c.Backup, c.To, header("restore", who))
	if err != nil {
		return out, err
	}
	return ctl.Restored{Backup: r.Backup, Revision: r.Next, Aside: r.Aside}, nil
}

// rebuild makes a list anew from its log.
func rebuild(ctx context.Context, who listing.Caller, c ctl.Rebuild) (out ctl.Rebuilt, err error) {
	r, err := db.Rebuild(ctx, c.List, c.Backup, header("rebuild", who))
	if err != nil {
		return out, err
	}
	out = ctl.Rebuilt{Records: r.Records, Revision: r.Next, Aside: r.Aside, LeftOut: r.LeftOut}
	if c.Backup != "" {
		out.Backup = &r.Backup
	}
	return out, nil
}

// header is of a change that is none of the Book's.
func header(what string, who listing.Caller) listing.Header {
	now := time.Now().UTC()
	return listing.Header{ID: what + "-" + now.Format("20060102T150405.000000000"), Time: now, Actor: who.Name}
}

// compactor compacts a store. How long changes are kept stands in a configuration,
// and there is none here: all of them stay.
func compactor(store *db.DB) func(context.Context, listing.Caller) (ctl.Compacted, error) {
	return func(ctx context.Context, _ listing.Caller) (ctl.Compacted, error) {
		c, err := store.Compact(ctx, time.Time{})
		return ctl.CompactedOf(c.Before, c.After, c.Forgotten, c.Held), err
	}
}
