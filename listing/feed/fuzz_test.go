package feed_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/feed"
)

// fuzz reads whatever comes: no panic, every entry valid, every bad line told
// once and fit to be shown, and entries that come back as they are when they
// are written as NDJSON.
func fuzz(f *testing.F, format string, seeds ...string) {
	reasons := catalogue(f)
	for _, seed := range seeds {
		f.Add([]byte(seed), false)
		f.Add(zipped(f, seed), true)
	}
	f.Fuzz(func(t *testing.T, file []byte, mapped bool) {
		o := feed.Options{Format: format, Reasons: reasons}
		if mapped {
			o.Reason, o.Map = listing.Imported, map[string]listing.Reason{"127.0.0.9": listing.Manual, "spam": listing.Network}
		}
		told := map[int]bool{}
		fit := func(text string) bool {
			return text != "" && len(text) < 1000 && listing.Printable(text) == text
		}
		o.Bad = func(b feed.BadLine) error {
			if b.Line < 1 || (told[b.Line] && format != "ndjson") || // an array may have many values in a line
				b.Err == nil || !fit(b.Err.Error()) || !fit(b.Text) {
				t.Errorf("bad line %+v", b)
			}
			told[b.Line] = true
			return nil
		}
		r, err := feed.Read(bytes.NewReader(file), o)
		if err != nil {
			return
		}
		var all []listing.Entry
		for e, err := range r.Entries() {
			if err != nil {
				return
			}
			check(t, reasons, e)
			if r.Line() < 1 || r.Line() > r.Lines() {
				t.Errorf("line %d of %d", r.Line(), r.Lines())
			}
			if len(all) < 1000 {
				all = append(all, e)
			}
		}
		again(t, reasons, all)
	})
}

func check(t *testing.T, reasons *listing.Reasons, e listing.Entry) {
	t.Helper()
	s := e.Subject
	parsed, err := listing.ParseSubject(s.String())
	if !s.IsValid() || s.Masked() != s.Prefix || err != nil || parsed != s {
		t.Errorf("subject %s", s)
	}
	if _, ok := reasons.Info(e.Reason); !ok || e.Source != "" {
		t.Errorf("reason %d, source %q", e.Reason, e.Source)
	}
	if e.Until.Nanosecond() != 0 || listing.Printable(e.PublicNote) != e.PublicNote || len(e.PublicNote) > listing.MaxTXT || listing.Printable(e.Note) != e.Note {
		t.Errorf("entry %+v", e)
	}
}

func again(t *testing.T, reasons *listing.Reasons, all []listing.Entry) {
	t.Helper()
	file, err := write(t, feed.WriteOptions{Format: "ndjson", Reasons: reasons}, all)
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t, strings.NewReader(file), feed.Options{Format: "ndjson", Reasons: reasons})
	if err != nil || len(got) != len(all) {
		t.Fatalf("%d entries came back as %d: %v", len(all), len(got), err)
	}
	for n := range all {
		if got[n] != show(all[n]) {
			t.Errorf("%s came back as %s", show(all[n]), got[n])
		}
	}
}

func FuzzPlain(f *testing.F) {
	fuzz(f, "plain", "192.0.2.7\n!198.51.100.0/24 x\r\n2001:db8::7#\n", "192.0.2.7/24\n\x00\n", "\ufeff::ffff:192.0.2.7", "192.0.2.0 - 192.0.2.9 x\n192.0.2.0\t192.0.2.255\t24\n192.0.2.0 255.255.255.0\n")
}

func FuzzCSV(f *testing.F) {
	fuzz(f, "csv", "prefix,reason,except,until,note,public_note\n192.0.2.7,spam,true,2026-12-31T00:00:00Z,\"a \"\"b\"\"\",c\n", "192.0.2.7,x\n\"", "ip,code\n192.0.2.7,9\n")
}

func FuzzNDJSON(f *testing.F) {
	fuzz(f, "ndjson", `{"prefix":"192.0.2.7/32","reason":"spam","code":2,"except":true,"until":"2026-12-31T00:00:00Z","note":"a"}`, `{"ip":"::1","code":"127.0.0.9"}`, `[]`, "[{\"ip\":\"192.0.2.7\"},\n\"192.0.2.8\"]")
}

const rbldnsdSeed = "$SOA 1 a b 0 1 1 1 1\n$MAXRANGE4 /8\n$TIMESTAMP 2026:11:26 +2d\n$1 one\n$= [$=] $ $1 $$\n:9:text $\n192.0.2.7\n!198.51.100.0/24\n192.0.2 :2:own $\n192.0.2.1-192.0.2.99 =own $1\n192.0.2.1-9;x\n" +
	"2001:db8/32\n2001:db8:1:2\n::1 :2\n!2001:db8:1:2::3\n7.2.0.192 A 127.0.0.9\n7.2.0.192 TXT \"x\"\n"

func FuzzIP4Set(f *testing.F)  { fuzz(f, "rbldnsd:ip4set", rbldnsdSeed) }
func FuzzIP4Trie(f *testing.F) { fuzz(f, "rbldnsd:ip4trie", rbldnsdSeed) }
func FuzzIP4TSet(f *testing.F) { fuzz(f, "rbldnsd:ip4tset", rbldnsdSeed) }
func FuzzIP6Trie(f *testing.F) { fuzz(f, "rbldnsd:ip6trie", rbldnsdSeed) }
func FuzzIP6TSet(f *testing.F) { fuzz(f, "rbldnsd:ip6tset", rbldnsdSeed) }
func FuzzGeneric(f *testing.F) { fuzz(f, "rbldnsd:generic", rbldnsdSeed) }

func FuzzCombined(f *testing.F) {
	sets := ""
	for _, kind := range []string{"ip4set:a @", "ip4trie", "ip4tset", "ip6trie", "ip6tset b", "generic", "dnset"} {
		sets += "$DATASET " + kind + "\n" + rbldnsdSeed
	}
	fuzz(f, "rbldnsd:combined", sets)
}

// A file ends in an error if what is underneath does, whatever the format.
func TestErrorUnderneath(t *testing.T) {
	broken := errors.New("broken")
	for _, format := range feed.Formats() {
		_, err := read(t, failing{broken}, feed.Options{Format: format})
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", format, err)
		}
	}
}
