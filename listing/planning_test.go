package listing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// counting counts how often allow entries are read.
type counting struct {
	Snapshot
	reads int
}

func (c *counting) Allows() ([]Allow, error) { c.reads++; return nil, nil }

// A command reads the allow entries once, however many prefixes it names.
func TestAllowsAreReadOnce(t *testing.T) {
	c := &counting{}
	p := planning{Snapshot: c}
	for range 3 {
		if _, err := p.Allows(); err != nil {
			t.Fatal(err)
		}
	}
	if c.reads != 1 {
		t.Errorf("%d times", c.reads)
	}
}

// However long its edits are, a part of a command fits into a request.
func TestChunksFit(t *testing.T) {
	for name, note := range map[string]string{"short": "", "long": strings.Repeat("n", 700), "escaped": strings.Repeat("<", 150)} {
		var edits []Edit
		for n := range 2500 {
			s, err := ParseSubject(fmt.Sprintf("2001:db8:aaaa:bbbb:cccc:dddd:eeee:%x/128", 0xf000+n))
			if n%3 == 0 {
				s, err = ParseSubject(fmt.Sprintf("192.0.2.%d", n%256))
			}
			if err != nil {
				t.Fatal(err)
			}
			e := Edit{Op: OpList, Key: Key{Subject: s, Reason: 2}, Note: note}
			if n%700 == 699 {
				e.Note += strings.Repeat("m", 1000)
			}
			edits = append(edits, e)
		}
		parts, err := chunks(edits)
		if err != nil {
			t.Fatal(err)
		}
		var all []Edit
		for _, part := range parts {
			r := Request{Header: Header{ID: "x", Time: time.Unix(1, 0), Actor: "alice"}, Edits: part}
			if err := r.Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := r.Canonical(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			all = append(all, part...)
		}
		if !slices.Equal(all, edits) {
			t.Errorf("%s: the parts are not the whole", name)
		}
	}
}
