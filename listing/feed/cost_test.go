package feed_test

import (
	"bytes"
	"testing"

	"dnsbld/costtest"
	"dnsbld/listing"
	"dnsbld/listing/feed"
)

// A file costs as much as it is long, whatever stands in it.
func TestReadCost(t *testing.T) {
	reasons := catalogue(t)
	pieces := []string{"192.0.2.7\n", "!198.51.100.0/24 x\n", "2001:db8::7\n", "192.0.2.0 - 192.0.2.9 x\n", "192.0.2.0/24,\"a \"\"b\",c\n", "\"", "\"\"", ",", "\\", "{", "[",
		"[[],", "{\"a\":", "{\"prefix\":\"192.0.2.7\"}\n", "{\"ip\":\"192.0.2.8\"},", "x", " ", "\n", "\r", "\x00", "#", ":2:own $\n", "$", "$1 one\n", "$= $=\n", ":9:$1$1$1\n192.0.2.7\n",
		"192.0.2.1-9;x\n", "192.0.2.7 :2:$1$2$\n", "7.2.0.192 A 127.0.0.9\n", "7.2.0.192 TXT \"x\"\n", "\\000", "$DATASET ip4set:a @\n", "$DATASET generic\n", "$TIMESTAMP 2026:11:26 +2d\n", "!", "-", ":"}
	before := map[string][]string{"csv": {"", "prefix,note\n192.0.2.7,\""}, "ndjson": {"", "[", "{\"note\":\""}, "rbldnsd:combined": {"$DATASET ip4set:a @\n", "$DATASET ip6trie:a @\n"}}
	for _, format := range feed.Formats() {
		starts := before[format]
		if starts == nil {
			starts = []string{""}
		}
		for _, start := range starts {
			for _, piece := range pieces {
				costtest.Linear(t, 16<<10, start, piece, "\n", func(file []byte) {
					r, err := feed.Read(bytes.NewReader(file), feed.Options{Format: format, Reasons: reasons, Reason: listing.Imported, Bad: func(feed.BadLine) error { return nil }})
					if err != nil {
						return
					}
					for range r.Entries() {
					}
				})
			}
		}
	}
}
