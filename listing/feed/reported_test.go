package feed_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/feed"
)

// Lists in the shapes in which people publish them, each of which was once read
// as something else.
func TestReportedLists(t *testing.T) {
	const cut = "the last line has no newline: the file may have been cut inside it"
	for _, c := range []struct{ file, format, column, want string }{
		{"cut-last-line.ip4set", "rbldnsd:ip4set", "", "45.98.1.7 23\n45.98.2.8 23\nline 4: " + cut},
		{"cut-last-line.ip4trie", "rbldnsd:ip4trie", "", "45.98.1.7 23\n45.98.2.8 23\nline 4: " + cut},
		{"cut-last-line.combined", "rbldnsd:combined", "", "45.98.1.7 23\nline 4: " + cut},
		{"dshield-tabs.txt", "plain", "", "45.40.1.0/24 23\n45.40.2.0/24 23"},
		{"range-spaced.txt", "plain", "", "45.54.0.0/24 23\n45.54.2.7 23\n45.54.2.8/31 23"},
		{"second-word.txt", "plain", "", "45.57.1.0/24 23\n45.57.2.0/24 23\nline 3: after 45.57.3.1 the line names 45.57.3.2 too"},
		{"range.csv", "csv", "", "45.129.2.0/24 23"},
		{"drop-json.ndjson", "ndjson", "", "45.31.16.0/20 23\n2a10:aaaa::/34 23"},
		{"keys.ndjson", "ndjson", "", "45.124.1.2 23\n45.124.1.1 23\n45.124.2.0/24 23"},
		{"column-in-comment.csv", "csv", "", "45.66.1.1 23\n45.66.1.2 23"},
		{"column-in-comment.csv", "csv", "DstIP", "45.66.1.1 23\n45.66.1.2 23"},
		{"column-in-comment.csv", "csv", "2", "45.66.1.1 23\n45.66.1.2 23"},
		{"slashslash.txt", "plain", "", "45.52.1.1 23"},
		{"ent.ip4set", "rbldnsd:ip4set", "", "45.110.1.1 23"},
		{"wide.txt", "plain", "", "45.170.0.0/16 23\n45.171.0.0/20 23"},
	} {
		t.Run(c.file, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata", "reported", c.file))
			if err != nil {
				t.Fatal(err)
			}
			expectWhole(t, c.format, string(raw), feed.Options{Reason: 23, Column: c.column}, c.want)
		})
	}
}

// A table's first line may name its columns.
func TestPlainHeader(t *testing.T) {
	expect(t, "plain", "# made today\nStart\tEnd\tNetblock\n192.0.2.0\t192.0.2.255\t24\nStart\n", feed.Options{Reason: 23},
		"192.0.2.0/24 23\nline 4: \"Start\" is not an address or prefix")
}

// More than one address in a line: all of them, or a refusal with a hint.
func TestPlainExtents(t *testing.T) {
	for line, want := range map[string]string{
		"192.0.2.0-192.0.2.255":                          "192.0.2.0/24 23",
		"192.0.2.0 - 192.0.2.255 , 100 , text":           "192.0.2.0/24 23",
		"192.000.002.000 - 192.000.002.255 , 000 , text": "192.0.2.0/24 23",
		"192.000.002.00":                                 `line 1: "192.000.002.00" is not an address or prefix`,
		"!192.0.2.4 - 192.0.2.5":                         "!192.0.2.4/31 23",
		"2001:db8:: - 2001:db8::ffff":                    "2001:db8::/112 23",
		"192.0.2.0/255.255.255.0":                        "192.0.2.0/24 23",
		"192.0.2.0 255.255.255.0":                        "192.0.2.0/24 23",
		"192.0.2.7 255.255.255.255":                      "192.0.2.7 23",
		"192.0.2.0 /24":                                  "192.0.2.0/24 23",
		"192.0.2.0\t192.0.2.255\t24\t9\tSOME":            "192.0.2.0/24 23",
		"192.0.2.0/24 192.0.2.255":                       "line 1: after 192.0.2.0/24 the line names 192.0.2.255 too",
		"192.0.2.0/24 198.51.100.0/24":                   "line 1: after 192.0.2.0/24 the line names 198.51.100.0/24 too",
		"192.0.2.0 192.0.2.255":                          "line 1: after 192.0.2.0 the line names 192.0.2.255 too",
		"192.0.2.0 192.0.2.255 25":                       "line 1: after 192.0.2.0 the line names 192.0.2.255 too",
		"192.0.2.7 2001:db8::7":                          "line 1: after 192.0.2.7 the line names 2001:db8::7 too",
		"192.0.2.9 - 192.0.2.1":                          "line 1: the range 192.0.2.9-192.0.2.1 ends before it begins",
		"192.0.2.9-2001:db8::":                           "line 1: the range 192.0.2.9-2001:db8:: ends before it begins",
		"192.0.2.7 255.255.255.0":                        "line 1: 192.0.2.7/24 has bits set beyond its length of 24",
		"192.0.2.0/255.0.255.0":                          `line 1: "192.0.2.0/255.0.255.0" is not an address or prefix`,
		"192.0.2.7 - a spammer":                          "192.0.2.7 23",
		"192.0.2.7 -5":                                   "192.0.2.7 23",
		"192.0.2.7 2026-11-28 12:00":                     "192.0.2.7 23",
		"192.0.2.7\t9":                                   "192.0.2.7 23",
		"192.0.2.7 /var/log":                             "192.0.2.7 23",
		"192.0.2.7 # was 192.0.2.8":                      "192.0.2.7 23",
		"192.0.2.7 // 192.0.2.8":                         "192.0.2.7 23",
		"192.0.2.7;192.0.2.8":                            "192.0.2.7 23",
	} {
		expect(t, "plain", line+"\n", feed.Options{Reason: 23}, want)
	}
}

func TestCSVExtents(t *testing.T) {
	o := feed.Options{Reason: 23}
	expect(t, "csv", "start,end\n192.0.2.0,192.0.2.5\n192.0.2.9,\n", o, "192.0.2.0/30 23\n192.0.2.4/31 23\n192.0.2.9 23")
	expect(t, "csv", "network,netmask\n192.0.2.0,255.255.255.0\n", o, "192.0.2.0/24 23")
	expect(t, "csv", "192.0.2.0-192.0.2.3,x\n192.0.2.8/255.255.255.248,y\n", o, "192.0.2.0/30 23\n192.0.2.8/29 23")
	expect(t, "csv", "192.0.2.0,192.0.2.5\n192.0.2.0,192.0.2.255\n", o,
		"line 1: after 192.0.2.0 the line names 192.0.2.5 too\n192.0.2.0/24 23")
	expect(t, "csv", "name,host\nx,192.0.2.7\n", feed.Options{Reason: 23, Column: "HOST"}, "192.0.2.7 23")
	expect(t, "csv", "x,192.0.2.7\n", feed.Options{Reason: 23, Column: "2"}, "192.0.2.7 23")
	expect(t, "csv", "name,host\nx,192.0.2.7\n", feed.Options{Reason: 23, Column: "addr"}, `error: the header names no column "addr"`)
}

// JSON as it is published: an array, over lines or not, of objects or of
// addresses.
func TestJSONArrays(t *testing.T) {
	o := feed.Options{Reason: 23}
	for _, file := range []string{
		`[{"ip":"192.0.2.7"},{"ip":"192.0.2.8"}]`,
		"[]\n{\"ip\":\"192.0.2.7\"}\n{\"ip\":\"192.0.2.8\"}\n",
		"[\n  {\n    \"ip_address\": \"192.0.2.7\",\n    \"tags\": [\"a\", \"]\"],\n \"port\": 443\n  },\n  {\"ip\": \"192.0.2.8\"}\n]\n",
		"[\"192.0.2.7\",\n\"192.0.2.8\"]\n",
	} {
		expect(t, "ndjson", file, o, "192.0.2.7 23\n192.0.2.8 23")
	}
	expect(t, "ndjson", "[\n{\"ip\":\"192.0.2.7\"},\n{\"ip\":7},\n{\"ip\":\"192.0.2.8\"}]", o, "192.0.2.7 23\nline 3: ip cannot be of type number\n192.0.2.8 23")
	expect(t, "ndjson", "[{\"ip\":\"192.0.2.7\"},\n{\"ip\":\"192.0", o, "192.0.2.7 23\nerror: the file is cut short after line 2")
	expect(t, "ndjson", `{"src":"192.0.2.7"}`, feed.Options{Reason: 23, Column: "src"}, "192.0.2.7 23")
}

// A special that rbldnsd warns of and leaves out is reported.
func TestUnknownSpecial(t *testing.T) {
	r, err := feed.Read(strings.NewReader("$ENT true\n$FOO bar\n192.0.2.7\n#$NOSUCH x\n$11 x\n$INCLUDE other\n"), feed.Options{Format: "rbldnsd:ip4set", Reason: 23, Reasons: catalogue(t)})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range r.Entries() {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if w := r.Warnings(); n != 1 || len(w) != 4 || !strings.Contains(w[0], `line 2: "$FOO" is not a special entry`) {
		t.Errorf("%d entries, %q", n, w)
	}
}

// A plain file that ends inside a line may have been cut there.
func TestUnfinishedIsTold(t *testing.T) {
	for file, told := range map[string]int{"192.0.2.7\n192.0.2.8": 1, "192.0.2.7\n": 0, "": 0, "192.0.2.7\n# end": 0} {
		r, err := feed.Read(strings.NewReader(file), feed.Options{Reason: 23, Reasons: catalogue(t)})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range r.Entries() {
			if err != nil {
				t.Fatal(err)
			}
		}
		if w := r.Warnings(); len(w) != told {
			t.Errorf("%q: %q", file, w)
		}
	}
	var why *listing.Error
	_, err := read(t, strings.NewReader(":2:x\n45.99.3"), feed.Options{Format: "rbldnsd:ip4set", Reason: 2, Bad: func(b feed.BadLine) error { return b.Err }})
	if !errors.As(err, &why) || why.Code != "cut-last-line" || why.Hint == "" {
		t.Errorf("%v", err)
	}
}
