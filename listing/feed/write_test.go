package feed_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/feed"
)

var update = flag.Bool("update", false, "write the golden files anew")

func subject(t testing.TB, text string) listing.Subject {
	t.Helper()
	s, err := listing.ParseSubject(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// entry reads what show writes, with a source in brackets at the end:
//
//	!192.0.2.0/24 2 [ipsum] public text
func entry(t testing.TB, line string) listing.Entry {
	t.Helper()
	var e listing.Entry
	line, e.PublicNote, _ = strings.Cut(line, " public ")
	words := strings.Fields(line)
	words[0], e.Except = strings.CutPrefix(words[0], "!")
	e.Subject = subject(t, words[0])
	i, err := catalogue(t).Find(words[1])
	if err != nil {
		t.Fatal(err)
	}
	e.Reason, e.Origin, e.Level = i.Code, listing.ByOperator, 1
	e.Since, e.Until = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	if len(words) > 2 {
		e.Source, e.Origin, e.Level, e.Until = strings.Trim(words[2], "[]"), listing.ByImport, 0, time.Time{}
	}
	return e
}

func entries(t testing.TB, text string) (all []listing.Entry) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, entry(t, line))
		}
	}
	return all
}

func write(t testing.TB, o feed.WriteOptions, all []listing.Entry) (string, error) {
	t.Helper()
	var b bytes.Buffer
	if o.Reasons == nil {
		o.Reasons = catalogue(t)
	}
	w, err := feed.NewWriter(&b, o)
	if err != nil {
		return "", err
	}
	for _, e := range all {
		if err := w.Write(e); err != nil {
			return "", err
		}
	}
	err = w.Close()
	return b.String(), err
}

// sample has all there is: hosts and prefixes of both families, exceptions,
// two sources, two reasons for one address, own texts, an expired entry, and
// neighbours. 198.51.100.128/26 is hidden.
const sample = `
192.0.2.7 helo-bare-ip
192.0.2.8 helo-bare-ip
192.0.2.8 helo-our-ip
192.0.2.9 manual public sent "mail" for $5; see \path
198.51.100.0/24 network
198.51.100.0/24 imported [wide]
!198.51.100.7 network
!198.51.100.7 imported [wide]
!198.51.100.8/29 network
198.51.100.9 manual
198.51.100.64 imported [ipsum]
!198.51.100.96/28 imported
198.51.100.100 imported [ipsum]
198.51.100.130 manual
203.0.112.0/23 network
203.0.113.5 imported [ipsum]
2001:db8::7 helo-bare-ip
2001:db8:1::/48 network
!2001:db8:1:2::/64 network
2001:db8:1:2::3 manual public is a test
`

func options(format string) feed.WriteOptions {
	return feed.WriteOptions{Format: format, Zone: "bl.test", NS: []string{"ns1.bl.test", "ns.example"}, Serial: 8231,
		Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Page: "https://bl.test/"}
}

// written are the formats that this package writes.
func written() []string {
	return slices.DeleteFunc(feed.OutputFormats(), func(f string) bool { return f == feed.Zone })
}

func TestGolden(t *testing.T) {
	all := entries(t, sample)
	gone := entry(t, "192.0.2.1 manual")
	gone.Until = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	all = append([]listing.Entry{gone}, all...)
	all[3].Note, all[3].Ticket, all[3].Actor, all[3].Revision = "told, \"twice\"\nby mail", "rt:7", "alice", 8230
	for _, format := range written() {
		o := options(format)
		o.Hide = []listing.Subject{subject(t, "198.51.100.128/26"), subject(t, "198.51.100.130")}
		got, err := write(t, o, all)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		path := filepath.Join("testdata", "golden", strings.ReplaceAll(format, ":", "-"))
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s is not as in %s (write it anew with -update):\n%s", format, path, got)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	invalid := func(format string, o feed.WriteOptions, all ...listing.Entry) {
		t.Helper()
		o.Format = format
		if _, err := write(t, o, all); !errors.Is(err, listing.ErrInvalid) {
			t.Errorf("%s: %v", format, err)
		}
	}
	invalid("xml", feed.WriteOptions{})
	invalid("zone", feed.WriteOptions{})
	for _, format := range written() {
		invalid(format, options(format), listing.Entry{})
		if _, err := feed.NewWriter(io.Discard, feed.WriteOptions{Format: format, Zone: "bl.test", NS: []string{"ns.example"}}); !errors.Is(err, listing.ErrInvalid) {
			t.Errorf("%s without reasons: %v", format, err)
		}
	}
	for _, format := range []string{"plain", "rbldnsd:ip4trie", "postfix-cidr", "nftables", "rpz"} {
		invalid(format, options(format), entry(t, "192.0.2.8 manual"), entry(t, "192.0.2.7 manual"))
		invalid(format, options(format), entry(t, "192.0.2.0/25 manual"), entry(t, "192.0.2.0/24 manual"))
		invalid(format, options(format), entry(t, "2001:db8::1 manual"), entry(t, "192.0.2.7 manual"))
	}
}

type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

// A disk that is full is noticed, at the latest when the list is closed.
func TestWriteFull(t *testing.T) {
	for _, format := range written() {
		o := options(format)
		o.Reasons = catalogue(t)
		w, err := feed.NewWriter(&full{10}, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries(t, sample) {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// Long sets are given to nft in commands of a thousand elements.
func TestNftablesCommands(t *testing.T) {
	var all []listing.Entry
	for n := range uint32(2500) {
		e := entry(t, "192.0.2.7 manual")
		e.Subject = hostAt(n)
		all = append(all, e)
	}
	got, err := write(t, options("nftables"), all)
	if commands, elements := strings.Count(got, "add element"), strings.Count(got, "\t"); err != nil || commands != 3 || elements != 2500 {
		t.Errorf("%d commands, %d elements, %v", commands, elements, err)
	}
}

func TestEmptyList(t *testing.T) {
	for format, want := range map[string]string{"plain": "", "ndjson": ""} {
		if got, err := write(t, options(format), nil); got != want || err != nil {
			t.Errorf("%s: %q, %v", format, got, err)
		}
	}
}
