package feed_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/feed"
)

// catalogue is the default catalogue of reasons.
func catalogue(t testing.TB) *listing.Reasons {
	t.Helper()
	c, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// show writes an entry in one line:
//
//	!192.0.2.0/24 2 until 2026-12-31T00:00:00Z public "text" note "text"
func show(e listing.Entry) string {
	var b strings.Builder
	if e.Except {
		b.WriteString("!")
	}
	fmt.Fprintf(&b, "%s %d", e.Subject.Text(), e.Reason)
	if !e.Until.IsZero() {
		fmt.Fprintf(&b, " until %s", e.Until.Format(time.RFC3339))
	}
	if e.PublicNote != "" {
		fmt.Fprintf(&b, " public %q", e.PublicNote)
	}
	if e.Note != "" {
		fmt.Fprintf(&b, " note %q", e.Note)
	}
	return b.String()
}

// read is what a file reads as: entries, and with them bad lines as
// "line 3: message".
func read(t testing.TB, file io.Reader, o feed.Options) ([]string, error) {
	t.Helper()
	if o.Reasons == nil {
		o.Reasons = catalogue(t)
	}
	var got []string
	if o.Bad == nil {
		o.Bad = func(b feed.BadLine) error {
			got = append(got, fmt.Sprintf("line %d: %s", b.Line, b.Err))
			return nil
		}
	}
	r, err := feed.Read(file, o)
	if err != nil {
		return nil, err
	}
	for e, err := range r.Entries() {
		if err != nil {
			return got, err
		}
		if e.Source != "" {
			t.Errorf("an entry with source %q", e.Source)
		}
		got = append(got, show(e))
	}
	return got, nil
}

// expect compares what a file reads as with lines of text. Its last line may
// lack the newline, which rbldnsd's formats insist on.
func expect(t *testing.T, format, file string, o feed.Options, want string) {
	t.Helper()
	if strings.HasPrefix(format, "rbldnsd:") && file != "" && !strings.HasSuffix(file, "\n") {
		file += "\n"
	}
	expectWhole(t, format, file, o, want)
}

// expectWhole is expect of a file just as it is.
func expectWhole(t *testing.T, format, file string, o feed.Options, want string) {
	t.Helper()
	o.Format = format
	got, err := read(t, strings.NewReader(file), o)
	if err != nil {
		got = append(got, "error: "+err.Error())
	}
	var lines []string
	for l := range strings.Lines(want) {
		if l = strings.TrimSpace(l); l != "" {
			lines = append(lines, l)
		}
	}
	if g, w := strings.Join(got, "\n"), strings.Join(lines, "\n"); g != w {
		t.Errorf("%s\n%s\nreads as\n%s\nwant\n%s", format, file, g, w)
	}
}

func TestPlain(t *testing.T) {
	expect(t, "plain", "# a comment\r\n; another\n\n  \n192.0.2.7\r\n  192.0.2.8\t3\n!192.0.2.9 # not that one\n198.51.100.0/24;x\n"+
		"2001:db8::7\n2001:DB8:1::/48\n::ffff:192.0.2.10\n2002:c000:20b::/48\n! 192.0.2.12\n192.0.2.255", feed.Options{Reason: 23}, `
		192.0.2.7 23
		192.0.2.8 23
		!192.0.2.9 23
		198.51.100.0/24 23
		2001:db8::7 23
		2001:db8:1::/48 23
		192.0.2.10 23
		192.0.2.11 23
		!192.0.2.12 23
		192.0.2.255 23`)
}

func TestPlainBadLines(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1/24":             "192.0.2.1/24 has bits set beyond its length of 24",
		"2001:db8::1/64":           "2001:db8::1/64 has bits set beyond its length of 64",
		"192.0.2.256":              `"192.0.2.256" is not an address or prefix`,
		"192.0.2":                  `"192.0.2" is not an address or prefix`,
		"192.0.2.07":               `"192.0.2.07" is not an address or prefix`,
		"192.0.2.1/33":             `"192.0.2.1/33" is not an address or prefix`,
		"192.0.2.0/024":            `"192.0.2.0/024" is not an address or prefix`,
		"192.0.2.1.2":              `"192.0.2.1.2" is not an address or prefix`,
		"fe80::1%eth0":             `"fe80::1%eth0" is not an address or prefix`,
		"!":                        `"!" is not an address or prefix`,
		"mail.example":             `"mail.example" is not an address or prefix`,
		"192.0.2.1,spam":           `"192.0.2.1,spam" is not an address or prefix`,
		"::ffff:0:0/95":            "::ffff:0.0.0.0/95 has bits set beyond its length of 95",
		"\x1b[31m192.0.2.1":        `"\x1b[31m192.0.2.1" is not an address or prefix`,
		strings.Repeat("1", 70000): "the line is longer than 65536 octets",
	} {
		expect(t, "plain", "192.0.2.100\n"+text+"\n192.0.2.101\n", feed.Options{Reason: 2}, "192.0.2.100 2\nline 2: "+want+"\n192.0.2.101 2")
	}
}

// A line of another format is met with its name.
func TestPlainHints(t *testing.T) {
	for text, want := range map[string]string{
		`{"prefix":"192.0.2.7"}`:        "--format ndjson",
		"<!DOCTYPE html>":               "web page",
		":127.0.0.2:listed":             "rbldnsd",
		"192.0.2.1-9":                   "rbldnsd",
		"192.0.2.1,spam":                "--format csv",
		"192.0.2.9/24":                  "192.0.2.0/24",
		`"192.0.2.1","2026-01-01","us"`: "--format csv",
	} {
		o := feed.Options{Reason: 2, Bad: func(b feed.BadLine) error { return b.Err }}
		_, err := read(t, strings.NewReader(text), o)
		var why *listing.Error
		if !errors.As(err, &why) || !errors.Is(err, listing.ErrInvalid) || !strings.Contains(why.Hint, want) {
			t.Errorf("%s: %v, want a hint with %q", text, err, want)
		}
	}
}

func TestCSV(t *testing.T) {
	expect(t, "csv", "# made today\nip, Reason ,Except,until,Note,public_note,score\r\n"+
		"192.0.2.7,helo-bare-ip,,,,,7\r\n192.0.2.8,5,false,2026-12-31T12:00:00.5Z,,\n\n"+
		"192.0.2.0/24,20,true,2026-12-31T12:00:00+01:00,\"seen, often\",\"says \"\"hello\"\"\"\n192.0.2.9\n!192.0.2.10,manual\n", feed.Options{Reason: 23}, `
		192.0.2.7 2
		192.0.2.8 23 until 2026-12-31T12:00:00Z
		!192.0.2.0/24 23 until 2026-12-31T11:00:00Z public "says \"hello\"" note "seen, often"
		192.0.2.9 23
		!192.0.2.10 20`)
	expect(t, "csv", "192.0.2.7,whatever\n2001:db8::/32\n\"192.0.2.9\",x\n", feed.Options{Reason: 23}, "192.0.2.7 23\n2001:db8::/32 23\n192.0.2.9 23")
	expect(t, "csv", "ip,until\n192.0.2.7,9999-12-31T23:59:59-14:00\n192.0.2.8,2100-01-01T00:00:00+01:00\n", feed.Options{Reason: 23}, "192.0.2.7 23\n192.0.2.8 23 until 2099-12-31T23:00:00Z")
	expect(t, "csv", "prefix,code\n192.0.2.7,127.0.0.4\n192.0.2.8,4\n192.0.2.9,2\n", feed.Options{Map: map[string]listing.Reason{"127.0.0.4": 2}, Reason: 23},
		"192.0.2.7 2\n192.0.2.8 2\n192.0.2.9 23")
	expect(t, "csv", "prefix,code\n192.0.2.7,3\n192.0.2.8,99\n", feed.Options{}, "192.0.2.7 3\nline 3: the value 127.0.0.99 is none of this list's own reasons")
	expect(t, "csv", "address,reason\n192.0.2.7,Spam Source\n192.0.2.8,other\n", feed.Options{Map: map[string]listing.Reason{"Spam Source": 20}, Reason: 23},
		"192.0.2.7 20\nline 3: \"other\" is not a reason")
}

func TestCSVBadLines(t *testing.T) {
	for text, want := range map[string]string{
		`192.0.2.7,manual,maybe`:                 `"maybe" does not say whether this is an exception`,
		`192.0.2.7,manual,,tomorrow`:             `"tomorrow" is not a time`,
		`192.0.2.7,manual,,2026-12-31`:           `"2026-12-31" is not a time`,
		`192.0.2.7,manual,,0001-01-01T00:00:00Z`: `"0001-01-01T00:00:00Z" is not a time`,
		`,manual`:                                "the line names no address",
		`192.0.2.7,`:                             "the line names no reason",
		`192.0.2.7,"manual`:                      `column 18: extraneous or missing " in quoted-field`,
		`192.0.2.7,ma"nual`:                      `column 13: bare " in non-quoted-field`,
		`foo,manual`:                             `"foo" is not an address or prefix`,
		`192.0.2.7/24,manual`:                    "192.0.2.7/24 has bits set beyond its length of 24",
		`192.0.2.7,sneezing`:                     `"sneezing" is not a reason`,
	} {
		expect(t, "csv", "prefix,reason,except,until\n"+text+"\n192.0.2.9,20\n", feed.Options{}, "line 2: "+want+"\n192.0.2.9 20")
	}
	expect(t, "csv", "name,reason\nx,y\n", feed.Options{}, "error: the header names no column of addresses")
}

// A stray quote costs one line, not the file.
func TestCSVStrayQuote(t *testing.T) {
	expect(t, "csv", "ip,note\n192.0.2.7,\"\n192.0.2.8,x\n", feed.Options{Reason: 2}, "line 2: column 12: extraneous or missing \" in quoted-field\n192.0.2.8 2 note \"x\"")
}

func TestNDJSON(t *testing.T) {
	expect(t, "ndjson", `{"prefix":"192.0.2.7/32","reason":"helo-bare-ip","code":2,"except":false,"since":"2026-11-01T00:00:00Z","until":"2026-11-30T00:00:00Z","level":1,"origin":"operator","source":"","note":"told\nus","ticket":"","revision":7}

{"ip":"2001:db8::7","code":"127.0.0.20","new":{"x":[1]}}
{"address":"198.51.100.0/24","code":21,"except":true,"until":null,"public_note":"näh"}
`, feed.Options{}, `
		192.0.2.7 2 until 2026-11-30T00:00:00Z note "told\\x0aus"
		2001:db8::7 20
		!198.51.100.0/24 21 public "n\\xc3\\xa4h"`)
}

func TestNDJSONBadLines(t *testing.T) {
	for text, want := range map[string]string{
		`192.0.2.7`:                                               "the line is not a JSON object: invalid character '.' after top-level value",
		`{"prefix":"192.0.2.7"`:                                   "the line is not a JSON object: unexpected end of JSON input",
		`{"prefix":7}`:                                            "prefix cannot be of type number",
		`{"prefix":"192.0.2.7","except":"x"}`:                     "except cannot be of type string",
		`{"prefix":"192.0.2.7"}`:                                  "the line names no reason",
		`{"reason":"manual"}`:                                     "the line names no address",
		`{"prefix":"192.0.2.7","code":2.5}`:                       `"2.5" is not a reason`,
		`{"prefix":"192.0.2.7","code":{}}`:                        `"{}" is not a reason`,
		`{"prefix":"192.0.2.7","reason":"manual","until":"soon"}`: `"soon" is not a time`,
	} {
		expect(t, "ndjson", text+"\n{\"prefix\":\"192.0.2.9\",\"code\":20}\n", feed.Options{}, "line 1: "+want+"\n192.0.2.9 20")
	}
}

func TestLineNumbers(t *testing.T) {
	r, err := feed.Read(strings.NewReader("\n192.0.2.1\n# x\n192.0.2.2\n\n"), feed.Options{Reason: 2})
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	for _, err := range r.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, r.Line())
	}
	if fmt.Sprint(at) != "[2 4]" || r.Lines() != 5 {
		t.Errorf("lines %v of %d", at, r.Lines())
	}
}

func TestFirstBadLineEnds(t *testing.T) {
	r, err := feed.Read(strings.NewReader("192.0.2.1\nfoo\n192.0.2.2\n"), feed.Options{Reason: 2})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var last error
	for _, err := range r.Entries() {
		n++
		last = err
	}
	if n != 2 || last == nil || last.Error() != `line 2: "foo" is not an address or prefix` || !errors.Is(last, listing.ErrInvalid) {
		t.Errorf("%d, %v", n, last)
	}
}

func TestBadEnds(t *testing.T) {
	stop := errors.New("stop")
	var seen []feed.BadLine
	_, err := read(t, strings.NewReader("foo\x07\nbar\n"), feed.Options{Reason: 2, Bad: func(b feed.BadLine) error { seen = append(seen, b); return stop }})
	if !errors.Is(err, stop) || len(seen) != 1 || seen[0].Text != `"foo\a"` || seen[0].Line != 1 {
		t.Errorf("%v, %v", err, seen)
	}
}

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGzip(t *testing.T) {
	file := append(zipped(t, "192.0.2.1\n"), zipped(t, "192.0.2.2\n")...) // two members are one file
	got, err := read(t, bytes.NewReader(file), feed.Options{Reason: 2})
	if err != nil || strings.Join(got, ",") != "192.0.2.1 2,192.0.2.2 2" {
		t.Errorf("%v, %v", got, err)
	}
}

// Wherever a compressed file is cut, reading it ends in an error.
func TestGzipTruncated(t *testing.T) {
	file := zipped(t, strings.Repeat("192.0.2.1\n", 50))
	for n := 2; n < len(file); n++ {
		_, err := read(t, bytes.NewReader(file[:n]), feed.Options{Reason: 2})
		var why *listing.Error
		if !errors.As(err, &why) || !errors.Is(err, listing.ErrInvalid) {
			t.Fatalf("cut after %d octets: %v", n, err)
		}
	}
}

func TestGzipDamaged(t *testing.T) {
	file := zipped(t, "192.0.2.1\n192.0.2.2\n")
	for n := 10; n < len(file); n++ {
		bad := bytes.Clone(file)
		bad[n] ^= 0x55
		if _, err := read(t, bytes.NewReader(bad), feed.Options{Reason: 2}); err == nil {
			t.Errorf("octet %d changed, and nothing was said", n)
		}
	}
}

func TestNotText(t *testing.T) {
	for name, file := range map[string]string{
		"zip":    "PK\x03\x04\x14\x00\x00",
		"xz":     "\xfd7zXZ\x00\x00\x04",
		"bzip2":  "BZh91AY&SY",
		"zstd":   "\x28\xb5\x2f\xfd\x24\x00",
		"utf-16": "\xff\xfe1\x009\x002\x00",
		"binary": "\x7fELF\x02\x01\n\x00\x00\n\x00\n\x00\n\x00\n",
		"zeros":  strings.Repeat("\x00", 100_000) + "\n\x00\n\x00\n",
	} {
		got, err := read(t, strings.NewReader(file), feed.Options{Reason: 2})
		var why *listing.Error
		if !errors.As(err, &why) || why.Code != "not-text" || (why.Hint == "" && why.Names == nil) || len(got) > 2 {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	expect(t, "plain", "\ufeff192.0.2.1\n", feed.Options{Reason: 2}, "192.0.2.1 2")
	expect(t, "plain", "", feed.Options{Reason: 2}, "")
}

// endless yields n octets without an end of line, then a tail.
type endless struct {
	n    int64
	ones []byte
	tail string
}

func (e *endless) Read(p []byte) (n int, err error) {
	switch {
	case e.n > 0:
		n = copy(p, e.ones[:min(int64(len(e.ones)), e.n)])
		e.n -= int64(n)
	case e.tail != "":
		n = copy(p, e.tail)
		e.tail = e.tail[n:]
	default:
		err = io.EOF
	}
	return n, err
}

// A line of 4 GB is skipped in the memory of a short one.
func TestEndlessLine(t *testing.T) {
	size := int64(4 << 30)
	if testing.Short() {
		size = 64 << 20
	}
	file := &endless{size, bytes.Repeat([]byte("1"), 64<<10), "\n192.0.2.1\n"}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := read(t, file, feed.Options{Reason: 2})
	runtime.ReadMemStats(&after)
	if err != nil || strings.Join(got, ",") != "line 1: the line is longer than 65536 octets,192.0.2.1 2" {
		t.Errorf("%v, %v", got, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d octets allocated", grown)
	}
}

// A line of MaxLine octets is read, one more is too long, whatever ends it.
func TestLongestLine(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n"} {
		for extra, want := range map[int]string{0: "192.0.2.1 2", 1: "line 1: the line is longer than 65536 octets"} {
			line := "192.0.2.1" + strings.Repeat(" ", feed.MaxLine-len("192.0.2.1")+extra) + end
			expect(t, "plain", line, feed.Options{Reason: 2}, want)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	for _, format := range []string{"xml", "rbldnsd", "rbldnsd:dnset", "rbldnsd:", "PLAIN"} {
		_, err := feed.Read(strings.NewReader(""), feed.Options{Format: format})
		var why *listing.Error
		if !errors.As(err, &why) || !errors.Is(err, listing.ErrInvalid) || !strings.Contains(why.Hint, "rbldnsd:ip4set") {
			t.Errorf("%s: %v", format, err)
		}
	}
	for _, format := range append(feed.Formats(), "") {
		if _, err := feed.Read(strings.NewReader(""), feed.Options{Format: format}); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// An error of the file below is passed on.
func TestReadError(t *testing.T) {
	broken := errors.New("broken pipe")
	_, err := read(t, io.MultiReader(strings.NewReader("192.0.2.1\n"), failing{broken}), feed.Options{Reason: 2})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// A connection that breaks is no end of a file.
func TestCutShort(t *testing.T) {
	for _, before := range []string{"", "1", "192.0.2.1\n192.0.2.2"} {
		_, err := read(t, io.MultiReader(strings.NewReader(before), failing{io.ErrUnexpectedEOF}), feed.Options{Reason: 2})
		var why *listing.Error
		if !errors.As(err, &why) || why.Code != "truncated" {
			t.Errorf("after %q: %v", before, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
