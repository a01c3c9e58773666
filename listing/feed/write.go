package feed

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"time"

	"dnsbld/listing"
)

// WriteOptions say what is to be written. Format and Reasons are needed.
type WriteOptions struct {
	Format   string            // one of OutputFormats but Zone
	Reasons  *listing.Reasons  // for symbols, ranks and texts
	Now      time.Time         // entries that have ended by then are left out; zero: none are
	Hide     []listing.Subject // prefixes that are not listed whatever is: allow entries and the never-list
	Answered bool              // leave out of csv and ndjson what Hide hides, which else they mark
	Page     string            // what stands before the address in the URL of its page, as for listing.Reasons.TXT

	Zone   string        // origin of the zone, "bl.test"
	NS     []string      // its name servers, for format rbldnsd
	Mail   string        // mailbox of who is responsible, as a name: "hostmaster.bl.test"; empty: hostmaster in the zone
	Serial uint32        // of its SOA
	TTL    time.Duration // of its records; zero: DefaultTTL
}

// DefaultTTL is the TTL of records in what is written for DNS servers.
const DefaultTTL = 5 * time.Minute

// encoder writes one format.
type encoder interface {
	write(e *listing.Entry) error
	close() error
}

// writers are the formats that can be written.
var writers = []struct {
	format string
	begin  func(*output) (encoder, error)
}{
	{"plain", newPlainWriter},
	{"csv", newCSVWriter},
	{"ndjson", newNDJSONWriter},
	{"rbldnsd", newRbldnsdWriter},
	{"rbldnsd:ip4trie", newTrieWriter(false)},
	{"rbldnsd:ip6trie", newTrieWriter(true)},
	{"postfix-cidr", newPostfixWriter},
	{"nftables", newNftablesWriter},
	{"rpz", newRPZWriter},
}

// Zone is the format of a zone's master file. It is not written here but by those
// who serve the zone, from what they give to secondaries.
const Zone = "zone"

// OutputFormats are all formats that a list is written in, the simplest first.
func OutputFormats() []string {
	var names []string
	for _, w := range writers {
		names = append(names, w.format)
	}
	return append(names, Zone)
}

// Writer writes a list. It is not for concurrent use.
type Writer struct {
	out   *output
	to    encoder
	entry listing.Entry // being written
}

// output is where a format is written to, and what for.
type output struct {
	*bufio.Writer // keeps its first error until it is flushed
	WriteOptions
}

// printf leaves the error to the flush at the end.
func (o *output) printf(format string, args ...any) { fmt.Fprintf(o, format, args...) }

// txt is what is said of an entry, as in DNS.
func (o *output) txt(r listing.Reason, s listing.Subject, own string) string {
	return o.Reasons.TXT(r, s, own, o.Page)
}

// NewWriter begins to write a list to w.
func NewWriter(w io.Writer, o WriteOptions) (*Writer, error) {
	if o.Format == "" {
		o.Format = "plain"
	}
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	n := slices.Index(OutputFormats(), o.Format)
	switch {
	case n < 0:
		return nil, unknownFormat(o.Format, OutputFormats())
	case o.Format == Zone:
		return nil, &listing.Error{Kind: listing.ErrInvalid, Code: "no-zone", Message: "there is no zone to write",
			Hint: "a zone is written by the dnsbld that serves it"}
	}
	if o.Reasons == nil {
		return nil, fmt.Errorf("writing %s without a catalogue of reasons: %w", o.Format, listing.ErrInvalid)
	}
	out := &output{Writer: bufio.NewWriterSize(w, 64<<10), WriteOptions: o}
	to, err := writers[n].begin(out)
	return &Writer{out: out, to: to}, err
}

// Write writes one entry. Entries come in the order of their subjects, as a
// listing.Snapshot gives them: IPv4 before IPv6, by address, wider first; and
// at one subject by reason, this list's own before those of sources. Formats
// csv and ndjson take any order.
func (w *Writer) Write(e listing.Entry) error {
	if !e.Subject.IsValid() {
		return fmt.Errorf("writing an entry without a subject: %w", listing.ErrInvalid)
	}
	if !w.out.Now.IsZero() && !e.Active(w.out.Now) {
		return nil
	}
	w.entry = e
	return w.to.write(&w.entry)
}

// Close writes what is left. Without it the list is not whole.
func (w *Writer) Close() error {
	if err := w.to.close(); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("writing the list: %w", err)
	}
	return nil
}
