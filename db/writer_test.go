package db

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// together sends requests so that they are one batch, and gives how many
// transactions it took.
func together(t *testing.T, d *DB, requests []listing.Request, each func(n int, v listing.Verdict, err error)) (transactions int) {
	t.Helper()
	before := newest(t, d)
	var batch []*job
	for n := range requests {
		raw, err := canonical(&requests[n])
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, &job{ctx: t.Context(), request: &requests[n], raw: raw, done: make(chan struct{})})
	}
	d.queue.mu.Lock()
	d.queue.jobs = append(d.queue.jobs, batch...)
	d.queue.signal()
	d.queue.mu.Unlock()
	for n, j := range batch {
		<-j.done
		each(n, j.verdict, j.err)
	}
	return newest(t, d) - before
}

// newest is the number of the last transaction.
func newest(t *testing.T, d *DB) (id int) {
	t.Helper()
	if err := d.bolt.View(func(tx *bolt.Tx) error { id = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestGroupCommit(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	var requests []listing.Request
	for n := range uint32(64) {
		r := request(fmt.Sprint(n), listEdit(addr4(n)))
		if n%8 == 0 {
			r.Edits[0].Expect = &[]listing.Revision{99999}[0]
		}
		requests = append(requests, r)
	}
	transactions := together(t, d, requests, func(n int, v listing.Verdict, err error) {
		if refused := errors.Is(err, listing.ErrConflict); refused != (n%8 == 0) || (!refused && err != nil) {
			t.Errorf("request %d: %+v, %v", n, v, err)
		}
	})
	if transactions != 1 {
		t.Errorf("64 requests took %d transactions", transactions)
	}
	if v, err := d.Verify(t.Context()); err != nil || v.Records != 56 {
		t.Errorf("chain %+v, %v", v, err)
	}
}

// Damage that one request meets is not the others' matter.
func TestDamagedEntry(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	err := d.bolt.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(entriesBucket).Put(entryKey(listEdit(addr4(1)).Key), []byte("damaged"))
	})
	if err != nil {
		t.Fatal(err)
	}
	requests := []listing.Request{request("good", listEdit(addr4(0))), request("bad", listEdit(addr4(1))), request("good too", listEdit(addr4(2)))}
	together(t, d, requests, func(n int, v listing.Verdict, err error) {
		if (n == 1) != errors.Is(err, listing.ErrCorrupt) || (n != 1 && err != nil) {
			t.Errorf("request %d: %+v, %v", n, v, err)
		}
	})
	if v, err := d.Verify(t.Context()); !errors.Is(err, listing.ErrCorrupt) || v.Records != 2 || v.Broken != 0 {
		t.Errorf("chain %+v, %v: it holds, and the entry is damaged", v, err)
	}
}
