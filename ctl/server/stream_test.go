package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
)

// importHosts imports n hosts as a source.
func (h *house) importHosts(t testing.TB, source string, n int) {
	t.Helper()
	entries := func(yield func(listing.Entry, error) bool) {
		for i := range n {
			s := subject(fmt.Sprintf("203.%d.%d.%d", i>>16&0x7f, i>>8&0xff, i&0xff))
			if !yield(listing.Entry{Key: listing.Key{Subject: s, Reason: listing.Imported}}, nil) {
				return
			}
		}
	}
	if _, err := h.book.Import(t.Context(), operator("alice"), listing.Import{Source: source}, entries, nil); err != nil {
		t.Fatal(err)
	}
}

func TestListNarrows(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.7"), Reason: "helo-bare-ip", For: listing.Life(time.Hour)})
	h.add(t, listing.Add{Subject: subject("192.0.2.9"), Reason: "helo-our-ip"})
	h.add(t, listing.Add{Subject: subject("192.0.2.9"), Reason: "manual", Except: true})
	h.importHosts(t, "feed", 3)
	none := ""
	for _, tt := range []struct {
		query report.Query
		want  int
	}{
		{report.Query{}, 6},
		{report.Query{Reason: "helo-our-ip"}, 1},
		{report.Query{Reason: "3"}, 1},
		{report.Query{Within: subject("192.0.2.8/30")}, 2},
		{report.Query{Expiring: listing.Life(2 * time.Hour)}, 1},
		{report.Query{Origin: listing.ByImport}, 3},
		{report.Query{Source: &none}, 3},
		{report.Query{Limit: 2}, 2},
		{report.Query{Reason: "imported", Limit: 2}, 2},
	} {
		if got := listAll(t, c, tt.query); len(got) != tt.want {
			t.Errorf("%+v: %d entries, wanted %d: %+v", tt.query, len(got), tt.want, got)
		}
	}
	first := listAll(t, c, report.Query{Source: ptr("feed"), Limit: 1})[0]
	if first.Until.IsZero() || first.Origin != listing.ByImport || first.Reason != "imported" || first.Actor != "alice" {
		t.Errorf("an entry of a source: %+v", first)
	}
	h.clock.advance(8 * listing.Day)
	if got := listAll(t, c, report.Query{Reason: "helo-bare-ip"}); len(got) != 0 {
		t.Errorf("an entry that has ended: %+v", got)
	}
}

func ptr[T any](v T) *T { return &v }

// A reader that stops in the middle holds no transaction of the store: it could
// not be closed else.
func TestSlowReaderHoldsNoTransaction(t *testing.T) {
	h := newHouse(t)
	h.importHosts(t, "feed", 40_000) // some megabytes of JSON
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, err := ask(ctx, h.serve(t), http.MethodGet, "/v1/entries", "")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	closed := make(chan error, 1)
	h.closed = true
	go func() { closed <- h.store.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the store waits for a reader")
	}
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n < inMemory {
		t.Errorf("the rest of the answer: %d bytes, %v", n, err)
	}
}

func TestExportIsAnnouncedInFull(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.importHosts(t, "feed", 100_000) // past what is kept in memory
	var out bytes.Buffer
	revision, err := c.Export(t.Context(), ctl.Export{Format: "plain", Zone: "", Query: report.Query{Source: ptr("feed")}}, &out)
	if err != nil || revision != 1 {
		t.Fatalf("revision %d, %v", revision, err)
	}
	n := 0
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "203.") {
			n++
		}
	}
	if n != 100_000 {
		t.Errorf("%d lines with an address", n)
	}
	_, err = c.Export(t.Context(), ctl.Export{Format: "plain", Zone: "", Query: report.Query{Reason: "nonsense"}}, io.Discard)
	isKind(t, err, listing.ErrInvalid, "unknown-reason")
	full := errors.New("no space left")
	if _, err = c.Export(t.Context(), ctl.Export{Format: "plain", Zone: "", Query: report.Query{}}, writerFunc(func([]byte) (int, error) { return 0, full })); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

// A zone is written by those who serve it, of what is served or of the entries that
// are asked for.
func TestExportZone(t *testing.T) {
	h := newHouse(t, func(c *Config) {
		c.ZoneFile = func(to io.Writer, zone string, set *index.Set) error {
			_, err := fmt.Fprint(to, zone, set.Stats().Hosts)
			return err
		}
	})
	c := h.client(t)
	h.importHosts(t, "feed", 20)
	h.importHosts(t, "other", 10)
	if err := h.live.Wait(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		q    ctl.Export
		want string
	}{
		{ctl.Export{Zone: "BL.test."}, "bl.test30"}, {ctl.Export{}, "bl.test30"},
		{ctl.Export{Query: report.Query{Source: ptr("other")}}, "bl.test10"},
		{ctl.Export{Query: report.Query{Source: ptr("none")}}, "bl.test0"},
	} {
		var out strings.Builder
		row.q.Format = "zone"
		if revision, err := c.Export(t.Context(), row.q, &out); err != nil || revision != 2 || out.String() != row.want {
			t.Errorf("%+v: revision %d, %q, %v", row.q, revision, out.String(), err)
		}
	}
	_, err := c.Export(t.Context(), ctl.Export{Format: "zone", Query: report.Query{Reason: "nonsense"}}, io.Discard)
	isKind(t, err, listing.ErrInvalid, "unknown-reason")
	_, err = newHouse(t).client(t).Export(t.Context(), ctl.Export{Format: "zone"}, io.Discard)
	isKind(t, err, listing.ErrInvalid, "no-zone")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestSpool(t *testing.T) {
	for _, size := range []int{0, 1, inMemory, inMemory + 1, 3 * inMemory} {
		dir := t.TempDir()
		s := &spool{make: func() (*os.File, error) {
			f, err := os.CreateTemp(dir, "")
			return f, errors.Join(err, os.Remove(f.Name()))
		}}
		want := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		for part := range chunked(want, 100_000) {
			if _, err := s.Write(part); err != nil {
				t.Fatal(err)
			}
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("%d bytes: the file has a name: %v, %v", size, left, err)
		}
		var got bytes.Buffer
		if err := s.send(&got); err != nil || !bytes.Equal(got.Bytes(), want) || s.size != int64(size) {
			t.Errorf("%d bytes: %d came back, %v", size, got.Len(), err)
		}
		s.close()
	}
}

func chunked(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			part := b[:min(n, len(b))]
			if !yield(part) {
				return
			}
			b = b[len(part):]
		}
	}
}
