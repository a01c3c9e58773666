package main

import (
	"context"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	bolt "go.etcd.io/bbolt"

	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
)

// compactor is what the daemon does for `blctl compact`, with every change kept.
func compactor(store *db.DB) func(context.Context, listing.Caller) (ctl.Compacted, error) {
	return func(ctx context.Context, _ listing.Caller) (ctl.Compacted, error) {
		c, err := store.Compact(ctx, time.Time{})
		return ctl.CompactedOf(c.Before, c.After, c.Forgotten, c.Held), err
	}
}

// spoil writes into the store what no log says, where no checksum tells; with a word,
// evidence that is none.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	b, err := bolt.Open(ts.Getenv("STORE"), 0o600, nil)
	ts.Check(err)
	ts.Check(b.Update(func(tx *bolt.Tx) error {
		if len(args) > 0 {
			return tx.Bucket([]byte("evidence")).Put(make([]byte, 32), []byte("{}"))
		}
		return tx.Bucket([]byte("past")).Put([]byte{4, 192, 0, 2, 9, 32, 2}, []byte{1, 0})
	}))
	ts.Check(b.Close())
}
