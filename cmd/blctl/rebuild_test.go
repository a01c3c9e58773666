package main

import (
	"github.com/rogpeppe/go-internal/testscript"
	bolt "go.etcd.io/bbolt"
)

// spoil writes into the store what no log says, where no checksum tells.
func spoil(ts *testscript.TestScript, _ bool, _ []string) {
	b, err := bolt.Open(ts.Getenv("STORE"), 0o600, nil)
	ts.Check(err)
	ts.Check(b.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("past")).Put([]byte{4, 192, 0, 2, 9, 32, 2}, []byte{1, 0})
	}))
	ts.Check(b.Close())
}
