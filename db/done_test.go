package db

import (
	"fmt"
	"path/filepath"
	"testing"

	"dnsbld/listing"

	bolt "go.etcd.io/bbolt"
)

// Ids are forgotten after thirty days, in passing, and not before.
func TestForget(t *testing.T) {
	d := openTest(t, filepath.Join(t.TempDir(), "listings.db"))
	defer d.Close()
	known := func() (n int) {
		err := d.bolt.View(func(tx *bolt.Tx) error {
			n = tx.Bucket(doneBucket).Stats().KeyN
			if aged := tx.Bucket(agedBucket).Stats().KeyN; aged != n {
				t.Errorf("%d by id, %d by age", n, aged)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	at := func(day, n int) {
		r := request(fmt.Sprint(day, "-", n), listEdit(addr4(uint32(day*100+n))))
		r.Time = r.Time.Add(listing.Life(day * int(listing.Day)).Duration())
		if _, err := d.Apply(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 20 {
		at(0, n)
	}
	at(30, 0)
	if known() != 21 {
		t.Errorf("after 30 days %d are known", known())
	}
	at(31, 0)
	if known() != 22-forgetAtOnce {
		t.Errorf("after 31 days %d are known", known())
	}
	at(31, 1)
	at(31, 2)
	if known() != 4 {
		t.Errorf("in the end %d are known", known())
	}
}

func TestQueueBatches(t *testing.T) {
	q := newQueue()
	apply, replace := func() *job { return &job{} }, func() *job { return &job{content: &contents{}} }
	for _, j := range []*job{apply(), apply(), apply(), replace(), replace(), apply()} {
		if err := q.add(j); err != nil {
			t.Fatal(err)
		}
	}
	for range mostJobs {
		_ = q.add(apply())
	}
	_ = q.add(&job{raw: make([]byte, mostBytes)})
	_ = q.add(&job{raw: make([]byte, 1)})
	q.close()
	if err := q.add(apply()); err == nil {
		t.Error("a closed queue took a job")
	}
	for _, want := range []int{3, 1, 1, mostJobs, 2, 1} {
		if got := len(q.take()); got != want {
			t.Errorf("a batch of %d, want %d", got, want)
		}
	}
	if q.take() != nil {
		t.Error("a closed queue gave a job")
	}
}
