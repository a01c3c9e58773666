package db

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
)

// With -damages TestDamages is the long form, with damages of its own each time; 1000
// is what RELIABILITY.md says. The short one has always the same.
var damages = flag.Int("damages", 0, "how many damaged files of each kind TestDamages looks at")

// damage changes a file as disks, memory and people do, and says how.
func damage(r *rand.Rand, whole []byte) (raw []byte, how string) {
	const sector, page = 512, 4096
	raw = bytes.Clone(whole)
	at := r.IntN(len(raw))
	for tries := 0; tries < 100 && bytes.Equal(raw[at/page*page:][:page], make([]byte, page)); tries++ {
		at = r.IntN(len(raw)) // where there is something
	}
	part := raw[at/sector*sector:][:sector]
	switch r.IntN(7) {
	case 0:
		raw[at] ^= 1 << r.IntN(8)
		return raw, fmt.Sprint("a bit flips at ", at)
	case 1:
		clear(part)
		return raw, fmt.Sprint("a sector of zeros at ", at)
	case 2:
		for n := range part {
			part[n] = byte(r.Uint32())
		}
		return raw, fmt.Sprint("a sector of noise at ", at)
	case 3:
		copy(part, whole[r.IntN(len(raw)/sector)*sector:])
		return raw, fmt.Sprint("a sector of elsewhere at ", at)
	case 4:
		from := r.IntN(len(raw)/page) * page
		copy(raw[at/page*page:][:page], whole[from:][:page])
		return raw, fmt.Sprintf("page %d is page %d", at/page, from/page)
	case 5:
		return raw[:at], fmt.Sprint("cut short at ", at)
	}
	for range 8 {
		raw[min(at+r.IntN(64), len(raw)-1)] = byte(r.Uint32())
	}
	return raw, fmt.Sprint("some octets are others at ", at)
}

// trial opens a damaged file and says how that went.
type trial func(t *testing.T, path string) (said, answers string, err error)

// Whatever is damaged in a file, it is refused, or set aside and begun anew, which is
// said; or what it answers is right; or it says that something is wrong: at once, or
// when it is asked to prove itself. It never hangs, and shows no panic.
func TestDamages(t *testing.T) {
	seed, many := uint64(13), 20
	if *damages > 0 {
		seed, many = rand.Uint64(), *damages
	}
	for _, kind := range []struct {
		name string
		make func(*testing.T) []byte
		ask  trial
	}{
		{"listings.db", someList, askList},
		{"people.db", somePeople, func(t *testing.T, path string) (string, string, error) {
			said, all := peopleSay(t, path)
			return said, all, nil
		}},
		{"sightings.db", someCounters, func(t *testing.T, path string) (string, string, error) {
			said, all := countersSay(t, path)
			return said, all, nil
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			whole, path := sound(t, kind.name, kind.make), filepath.Join(t.TempDir(), kind.name)
			ask := func(raw []byte, how string) (said, answers string, err error) {
				if err := os.WriteFile(path, raw, 0o600); err != nil {
					t.Fatal(err)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					said, answers, err = kind.ask(t, path)
				}()
				select {
				case <-done:
					return said, answers, err
				case <-time.After(time.Minute):
					panic(fmt.Sprintf("seed %d: %s: it hangs", seed, how)) // with what it hangs in
				}
			}
			said, right, err := ask(whole, "whole")
			if said != "" || err != nil {
				t.Fatal(said, err)
			}
			r, refused, proved, harmless := rand.New(rand.NewPCG(seed, 8)), 0, 0, 0
			for range many {
				raw, how := damage(r, whole)
				said, answers, err := ask(raw, how)
				switch {
				case err != nil && !errors.Is(err, listing.ErrCorrupt) && !errors.Is(err, listing.ErrUnavailable):
					t.Errorf("%s: %v", how, err)
				case err != nil || said != "" && answers == "":
					refused++
				case said != "":
					proved++
				case answers == right:
					harmless++
				default:
					t.Errorf("%s: wrong, in silence", how)
				}
			}
			t.Logf("seed %d: of %d damaged files %d were refused, of %d it was said that something is wrong, %d answered rightly", seed, many, refused, proved, harmless)
			if refused == 0 || harmless == 0 {
				t.Error("the damages are not what they should be")
			}
		})
	}
}

// sound is a file that is to be damaged: in the short form always the same one, for bbolt
// lays out pages by chance.
func sound(t *testing.T, name string, create func(*testing.T) []byte) []byte {
	t.Helper()
	kept := filepath.Join("testdata", name)
	if name == "listings.db" {
		kept = newestFile
	} else if *update {
		if err := os.WriteFile(kept, create(t), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if *damages > 0 {
		return create(t)
	}
	raw, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// someList is a list with something of everything.
func someList(t *testing.T) []byte {
	t.Helper()
	d := everything(t)
	mustReplace(t, d, importing("hosts", "hosts"), feed(clustered(3000)))
	for n := range uint32(60) {
		e := listEdit(addr4(192<<24 | 2<<8 | n))
		if n%4 == 0 {
			e.Evidence = &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: noon, HELO: fmt.Sprint(n)}}}
		}
		mustApply(t, d, fmt.Sprint("own", n), e)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return used(t, d.path)
}

func somePeople(t *testing.T) []byte {
	t.Helper()
	p, err := OpenPeople(filepath.Join(t.TempDir(), "people.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 150 {
		kind := []string{"answer", "contact", "mail"}[n%3]
		if err := p.Put(kind, fmt.Sprint("C", n), fmt.Appendf(nil, `{"address": "sender%d@sender.example", "text": "%0*d"}`, n, n, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.Delete("contact", "C1"), p.Close()); err != nil {
		t.Fatal(err)
	}
	return used(t, p.path)
}

func someCounters(t *testing.T) []byte {
	t.Helper()
	var aside []error
	s := openSightings(t, filepath.Join(t.TempDir(), "sightings.db"), &aside)
	for batch := range 4 {
		var all []sighting.Item
		for n := range 300 {
			all = append(all, sighting.Item{Key: fmt.Append(nil, "n", n), Value: fmt.Append(nil, batch, "sessions of ", n)})
		}
		if err := s.Save(all); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil || len(aside) > 0 {
		t.Fatal(err, aside)
	}
	return used(t, s.path)
}

// used is a file as far as it is in use, with free pages in it.
func used(t *testing.T, path string) []byte {
	t.Helper()
	b, file, err := openBolt(path, Options{}, true)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, size(b))
	if _, err := file.ReadAt(raw, 0); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return raw
}

// askList asks a list for all that it says, for a proof, and to take a change.
func askList(t *testing.T, path string) (said, all string, err error) {
	d, err := Open(path, Options{NoSync: true, InitialMmap: 16 << 20})
	if err != nil {
		return "", "", err
	}
	defer func() { _ = d.Close() }() // of a damaged file
	st, err := d.Status(t.Context())
	if err != nil {
		return "", "", err
	}
	said = st.Doubt
	if all, err = answers(t, d); err != nil {
		return said, "", err
	}
	for _, change := range []string{"", "a change"} {
		if change != "" {
			if _, err := d.Apply(t.Context(), request(change, listEdit(addr4(1)))); err != nil {
				return said + err.Error(), all, nil
			}
		}
		if _, err := d.VerifyFull(t.Context(), listing.Checkpoint{}); err != nil {
			return said + err.Error(), all, nil
		}
	}
	return said, all, nil
}

// answers is all that a list says, in one text.
func answers(t *testing.T, d *DB) (string, error) {
	var out bytes.Buffer
	err := d.View(t.Context(), func(s listing.Snapshot) error {
		fmt.Fprintln(&out, s.Revision(), s.Config())
		for e, err := range s.Each(listing.Subject{}) {
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, e)
		}
		for e, err := range s.Served() {
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, e)
		}
		for n := range uint32(60) {
			key := listEdit(addr4(192<<24 | 2<<8 | n)).Key
			e, err := s.Get(key)
			fmt.Fprintln(&out, e, err)
			over, err := s.Covering(key.Subject)
			fmt.Fprintln(&out, over, err)
			evidence, err := s.Evidence(e.Evidence)
			fmt.Fprintln(&out, evidence, err)
		}
		for _, subject := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.7", "203.0.113.1", "203.0.113.2", "2001:db8::7", "203.0.113.9"} {
			for c, err := range s.History(subjectOf(t, subject)) {
				if err != nil {
					return err
				}
				fmt.Fprintln(&out, c.Revision, *c.Header, c.Kind, c.Because, c.Before, c.After)
			}
			past, err := s.Past(listing.Key{Subject: subjectOf(t, subject), Reason: listing.BareIP})
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, past)
		}
		for _, id := range []string{"list", "end", "own7", "hosts"} {
			v, known, err := s.Decided(id)
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, id, known, v.Revision, v.Entries)
		}
		allows, err := s.Allows()
		sources, failed := s.Sources()
		for doc, err := range s.Documents("ticket") {
			failed = errors.Join(failed, err)
			fmt.Fprintln(&out, doc)
		}
		fmt.Fprintln(&out, allows, sources)
		return errors.Join(err, failed)
	})
	return out.String(), err
}
