package mta_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dnsbld/listing"
	"dnsbld/mta"
)

func openSpool(t *testing.T, dir string, limit int64) *mta.Spool {
	t.Helper()
	s, err := mta.OpenSpool(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// drain takes all that is in the spool.
func drain(t *testing.T, s *mta.Spool) string {
	t.Helper()
	var all []string
	for {
		batch, some, err := s.Oldest()
		if err != nil {
			t.Fatal(err)
		}
		if !some {
			return strings.Join(all, " ")
		}
		all = append(all, string(batch))
		if err := s.Done(); err != nil {
			t.Fatal(err)
		}
	}
}

func put(t *testing.T, s *mta.Spool, batches ...string) {
	t.Helper()
	for _, b := range batches {
		if err := s.Put([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
}

// A batch that was put is there after a restart, in its order, until it is done with.
func TestSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := openSpool(t, dir, 1000)
	for i := range 12 {
		put(t, s, fmt.Sprint(i))
	}
	if first, _, err := s.Oldest(); err != nil || string(first) != "0" {
		t.Errorf("%q, %v", first, err)
	}
	if err := s.Done(); err != nil {
		t.Fatal(err)
	}
	if _, err := mta.OpenSpool(dir, 1000); !errors.Is(err, listing.ErrUnavailable) {
		t.Errorf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "00000000000000000099.ndjson.new"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = openSpool(t, dir, 1000)
	put(t, s, "12")
	if err := os.Remove(filepath.Join(dir, fmt.Sprintf("%020d.ndjson", 3))); err != nil { // "2", taken away by hand
		t.Fatal(err)
	}
	if got := drain(t, s); got != "1 3 4 5 6 7 8 9 10 11 12" || s.Waiting() != 0 || s.Lost() != 0 {
		t.Errorf("%q, %d wait, %d lost", got, s.Waiting(), s.Lost())
	}
}

// A full spool gives up the oldest, but for the one on its way.
func TestSpoolIsBounded(t *testing.T) {
	s := openSpool(t, t.TempDir(), 10)
	put(t, s, "aaaa", "bbbb")
	if _, _, err := s.Oldest(); err != nil {
		t.Fatal(err)
	}
	put(t, s, "cccc", "dddd")
	if got := drain(t, s); got != "aaaa dddd" || s.Lost() != 2 {
		t.Errorf("%q, %d lost", got, s.Lost())
	}
	put(t, s, strings.Repeat("x", 50)) // alone it stays, however large
	if got := drain(t, s); len(got) != 50 {
		t.Errorf("%q", got)
	}
}
