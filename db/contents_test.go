package db

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"dnsbld/listing"
)

// An import's entries come back in order, hosts first, the best alone of each key,
// whatever runs they were collected in.
func TestContents(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 40 {
		c := contents{spool: spool{path: filepath.Join(t.TempDir(), "listings.db")}}
		want := map[netKey]attrs{}
		for range r.IntN(2000) {
			k := someNet(r)
			if r.IntN(3) > 0 {
				k.Subject = hostSubject(10<<24 | r.Uint32N(300))
			}
			e := listing.Entry{Key: k, Except: r.IntN(9) == 0, PublicNote: []string{"", "a", "b"}[r.IntN(3)]}
			if err := c.add(&e); err != nil {
				t.Fatal(err)
			}
			a := attrs{reason: e.Reason, except: e.Except, public: e.PublicNote}
			if had, known := want[netKeyOf(k)]; !known || a.better(&had) {
				want[netKeyOf(k)] = a
			}
			if r.IntN(round*10+1) == 0 { // an early end
				if err := c.endRun(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.endRun(); err != nil {
			t.Fatal(err)
		}
		checkSorted(t, &c, want)
		checkSorted(t, &c, want) // a plan may be made again
		c.close()
	}
}

func checkSorted(t *testing.T, c *contents, want map[netKey]attrs) {
	t.Helper()
	s, n, last := c.sorted(), 0, []byte{}
	for ; s.isHost || s.isNet; s.next() {
		key := s.key
		if s.isHost {
			key = netKeyOf(listing.Key{Subject: hostSubject(s.v4), Reason: s.reason})
		}
		order := append([]byte{1}, key[:]...)
		if s.isHost {
			order[0] = 0
		}
		if bytes.Compare(order, last) <= 0 {
			t.Fatalf("%x comes after %x", order, last)
		}
		if last = order; s.attrs != want[key] {
			t.Fatalf("%x: %+v, want %+v", key, s.attrs, want[key])
		}
		n++
	}
	if n != len(want) {
		t.Fatalf("%d entries of %d", n, len(want))
	}
}

// A spool keeps what it was given, in a file that has no name.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	s := spool{path: filepath.Join(dir, "listings.db")}
	var kept [][]byte
	for n, size := range []int{0, 1, spoolFirst - 1, 2, spoolPiece + 1, 77, spoolPiece, spoolPiece} {
		b, err := s.keep(bytes.Repeat([]byte{byte(n)}, size))
		if err != nil || len(b) != size {
			t.Fatalf("%d octets of %d: %v", len(b), size, err)
		}
		kept = append(kept, b)
	}
	for n, b := range kept {
		if slices.ContainsFunc(b, func(c byte) bool { return c != byte(n) }) {
			t.Errorf("piece %d is not as it was", n)
		}
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) > 0 || s.file == nil {
		t.Errorf("%v, %v", names, err)
	}
	s.close()
	s = spool{path: filepath.Join(dir, "no", "listings.db")}
	if _, err := s.keep(make([]byte, spoolPiece)); err == nil {
		t.Error("made a file where no directory is")
	}
}

// Texts that begin alike, and entries that say the same otherwise, are written short
// and read as they were.
func TestTextsAlike(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 300))
	var want []attrs
	for n := range 50 {
		a := attrs{since: 7, reason: 2, public: fmt.Sprint("seen by mx1.example.test in session ", 1000+n)}
		switch {
		case n%7 == 3:
			a.note, a.until = "noted", 9
		case n%7 == 4:
			a.public, a.since = "", int64(n)
		case n == 5:
			a.public, a.except = long+fmt.Sprint(n), true
		}
		want = append(want, a)
	}
	b := tableBuilder[attrs]{low: blockLow}
	plain := 0
	for n := range want {
		b.add(uint32(n), want[n])
		plain += len(encodeAttrs(nil, &want[n]))
	}
	raw := b.encode((*before).attrs)
	if 2*len(raw) > plain {
		t.Errorf("%d octets, and %d without anything before", len(raw), plain)
	}
	opened, err := openTable(raw, blockLow)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readDict(&opened, nil, (*reader).attrs)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	var out served
	if _, err := out.openDict(&opened, false); err != nil {
		t.Fatal(err)
	}
	for n, said := range out.Said {
		if a := want[n]; said.Head+said.Text != a.public || said.Reason != a.reason || said.Except != a.except || said.Until != instant(a.until) {
			t.Errorf("served %+v, want %+v", said, a)
		}
	}
}
