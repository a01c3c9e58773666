package feed_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"dnsbld/listing"
	"dnsbld/listing/feed"
)

// Whatever a format can carry comes back as it was: all that a feed says in CSV,
// NDJSON and rbldnsd's combined files, subjects and exceptions of one reason
// in the others.
func TestRoundTrip(t *testing.T) {
	reasons := catalogue(t)
	for format, in := range map[string]string{"plain": "plain", "csv": "csv", "ndjson": "ndjson", "rbldnsd": "rbldnsd:combined",
		"rbldnsd:ip4trie": "rbldnsd:ip4trie", "rbldnsd:ip6trie": "rbldnsd:ip6trie"} {
		t.Run(format, func(t *testing.T) {
			rich := format == "csv" || format == "ndjson"
			full := rich || format == "rbldnsd"
			rapid.Check(t, func(t *rapid.T) {
				codes := []listing.Reason{20}
				if full {
					codes = []listing.Reason{2, 20, 23}
				}
				all, _, _ := lists(t, codes, []string{""})
				keep := func(e listing.Entry) bool {
					return !(format == "rbldnsd:ip4trie" && e.Subject.Addr().Is6() || format == "rbldnsd:ip6trie" && e.Subject.Addr().Is4())
				}
				var want []string
				var b strings.Builder
				w, err := feed.NewWriter(&b, feed.WriteOptions{Format: format, Reasons: reasons})
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range all {
					if rich {
						e.Note = rapid.StringMatching(`([ -~]{0,20}[!-~])?`).Draw(t, "note")
						e.Note = strings.TrimSpace(e.Note)
					}
					if rich && rapid.Bool().Draw(t, "ends") {
						e.Until = options("").Now
					}
					if format != "plain" && !e.Except {
						e.PublicNote = strings.TrimSpace(rapid.StringMatching(`([!-9;-~][ -~]{0,20}[!-~])?`).Draw(t, "public"))
					}
					if err := w.Write(e); err != nil {
						t.Fatal(err)
					}
					if keep(e) {
						want = append(want, show(e))
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				o := feed.Options{Format: in, Reasons: reasons}
				if !full {
					o.Reason = 20
				}
				r, err := feed.Read(strings.NewReader(b.String()), o)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for e, err := range r.Entries() {
					if err != nil {
						t.Fatalf("%v in\n%s", err, b.String())
					}
					if !strings.HasPrefix(e.Subject.String(), "127.0.0.2/") { // the test points
						got = append(got, show(e))
					}
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Fatalf("got\n%s\nwant\n%s\nfrom\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"), b.String())
				}
			})
		})
	}
}
