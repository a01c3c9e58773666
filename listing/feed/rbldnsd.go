package feed

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dnsbld/listing"
)

// kinds are the types of rbldnsd's data sets that list addresses, and how a
// line of each is read. rbldnsd(8) describes them. What is done otherwise here:
//
//   - Addresses are read more strictly: no leading zeros, no half addresses as
//     A values, no white space around the dash of a range.
//   - A dollar sign in a text stands for the entry, not for the address asked
//     for: of a range it becomes the range. A text that begins with the entry
//     is kept without it, for every text of this list begins so.
//   - Substitution variables ($0 to $9, $=) count from where they stand on.
//   - An exclusion counts for every reason of its data set. Of an exclusion and
//     an entry inside it the more specific stands, as in the tries; ip4set
//     compares them by whole octets only. Inside an entry of another reason
//     both reasons stand, where rbldnsd answers the more specific alone.
//   - SOA, NS and TTL are skipped: zones are not made of files here. A file that
//     has expired by its TIMESTAMP, or is from the future, is refused; what
//     stands after one that gives an end, ends then.
//
// In an ip4tset and an ip6tset the first default line counts for all entries,
// those before it too, as there (early).
var kinds = map[string]func(*rbldnsd, []byte) error{
	"ip4set":  (*rbldnsd).set4,
	"ip4trie": (*rbldnsd).trie4,
	"ip4tset": (*rbldnsd).hosts4,
	"ip6trie": (*rbldnsd).trie6,
	"ip6tset": (*rbldnsd).nets6,
	"generic": (*rbldnsd).generic,
}

const combined = "combined"

func rbldnsdFormats() []string {
	return []string{"rbldnsd:ip4set", "rbldnsd:ip4trie", "rbldnsd:ip4tset", "rbldnsd:ip6trie", "rbldnsd:ip6tset", "rbldnsd:generic", "rbldnsd:" + combined}
}

// rbldnsd reads a data file of rbldnsd.
type rbldnsd struct {
	options *Options
	n       int // line
	items   []item
	combine bool
	entry   func(*rbldnsd, []byte) error // nil: the lines belong to no data set that lists addresses
	kind    string
	scope   scope
	common  scope // of a combined file, what stands before its data sets
	values  map[netip.Addr]meaning

	set      int         // the data set
	seen     []reasonSet // by data set: the reasons that it lists for
	held     []exclusion
	released int // of held
	early    early
	record   *record // of generic, the record that a TXT may follow
}

// scope is what lines say about the lines after them.
type scope struct {
	value    value
	fixed    bool       // the default is not to be changed again
	words    [10]string // substitution variables
	base     string     // the template around texts
	maxRange uint64     // addresses that an entry may have; 0: any number
	expires  time.Time  // of the data; zero: with its source
}

type meaning struct {
	reason listing.Reason
	err    error
}

// exclusion waits for the end of the file: it counts for reasons that may be
// named after it.
type exclusion struct {
	subject listing.Subject
	expires time.Time
	line    int
	set     int
}

func newRbldnsd(o *Options) parser {
	kind := o.Format[len("rbldnsd:"):]
	return &rbldnsd{options: o, kind: kind, entry: kinds[kind], combine: kind == combined,
		values: map[netip.Addr]meaning{}, seen: []reasonSet{{usual: o.Reason}}}
}

func (p *rbldnsd) line(text []byte) ([]item, error) {
	p.n++
	p.items = p.items[:0]
	text = bytes.Trim(text, " \t")
	err := p.read(text)
	if err != nil {
		return nil, err
	}
	return p.items, nil
}

func (p *rbldnsd) read(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	switch text[0] {
	case '$':
		return p.special(text[1:])
	case '#', ';', ':':
		if len(text) > 1 && text[1] == '$' {
			return p.special(text[2:])
		}
		switch {
		case text[0] != ':':
			return nil
		case len(text) < 2 || text[1] != ':' || !strings.HasPrefix(p.kind, "ip6"): // else an address such as ::1
			return p.setDefault(text)
		}
	}
	if p.entry == nil {
		if p.kind == combined {
			return complain("no-dataset", "write a line such as $DATASET ip4trie @ before it", "the line belongs to no data set")
		}
		return nil
	}
	return p.entry(p, text)
}

// setDefault reads ":A:TXT", the value of the entries that follow.
func (p *rbldnsd) setDefault(text []byte) error {
	if p.kind == "generic" {
		return complain("bad-record", "write NAME A ADDRESS", "a data set of type generic has no default values")
	}
	if p.trivial() && p.scope.fixed { // one value for all: the first
		return nil
	}
	v, err := parseValue(text, value{})
	if err != nil {
		return err
	}
	v.preset = true
	p.scope.value, p.scope.fixed = v, p.trivial()
	if r, err := p.reason(v.a); err == nil {
		p.seen[p.set].usual = r
	}
	return nil
}

// list adds an entry, or an exclusion, with what stands after it.
func (p *rbldnsd) list(s listing.Subject, except bool, rest []byte) error {
	if except {
		return p.exclude(s)
	}
	v := p.scope.value
	switch {
	case p.trivial() && p.waits():
		return p.hold(s)
	case p.trivial():
	default:
		var err error
		if v, err = parseValue(rest, v); err != nil {
			return err
		}
	}
	return p.add(s, v)
}

// add adds an entry with a value.
func (p *rbldnsd) add(s listing.Subject, v value) error {
	reason, err := p.reason(v.a)
	if err != nil {
		return err
	}
	p.seen[p.set].add(reason)
	i := item{subject: s, reason: reason, until: p.scope.expires}
	if p.options.DefaultTexts || (v.text != "" && !v.preset) {
		i.public = p.public(v.text, s, reason)
	}
	p.items = append(p.items, i)
	return nil
}

func (p *rbldnsd) reason(a netip.Addr) (listing.Reason, error) {
	if m, ok := p.values[a]; ok {
		return m.reason, m.err
	}
	var m meaning
	if a.IsValid() {
		m.reason, m.err = p.options.value(a)
	} else if r, ok := p.options.Map["127.0.0.2"]; ok { // what rbldnsd answers if nothing is said
		m.reason = r
	} else {
		m.reason, m.err = p.options.unnamed()
	}
	const most = 256 // a file that names more is not worth remembering
	if len(p.values) < most {
		p.values[a] = m
	}
	return m.reason, m.err
}

// exclude takes a prefix out of what the data set lists, for every reason. If
// there can be only one, that is known at once.
func (p *rbldnsd) exclude(s listing.Subject) error {
	if o := p.options; o.Reason != 0 && len(o.Map) == 0 {
		p.items = append(p.items, item{subject: s, reason: o.Reason, except: true, until: p.scope.expires})
		return nil
	}
	const most = 1 << 20
	if len(p.held) == most {
		return fatal{complain("too-many-exclusions", "give --reason without --map: then they need not be kept in memory",
			"the file has more than %d exclusions", most)}
	}
	p.held = append(p.held, exclusion{s, p.scope.expires, p.n, p.set})
	return nil
}

// end yields the exclusions that waited, one at a time for all its reasons.
func (p *rbldnsd) end() ([]item, error) {
	p.items = p.items[:0]
	p.flush()
	p.endSet()
	if err := p.release(); err != nil || len(p.items) > 0 {
		return p.items, err
	}
	for len(p.items) == 0 && p.released < len(p.held) {
		x := p.held[p.released]
		p.released++
		set := &p.seen[x.set]
		if set.empty() {
			set.add(set.usual)
		}
		for r := range 256 {
			if set.has(listing.Reason(r)) {
				p.items = append(p.items, item{subject: x.subject, reason: listing.Reason(r), except: true, until: x.expires, at: x.line})
			}
		}
	}
	return p.items, nil
}

// reasonSet are the reasons of a data set. If it lists nothing, its exclusions
// count for the usual one, that of its default line.
type reasonSet struct {
	bits  [4]uint64
	usual listing.Reason
}

func (s *reasonSet) empty() bool { return s.bits == [4]uint64{} }

func (s *reasonSet) has(r listing.Reason) bool { return s.bits[r>>6]&(1<<(r&63)) != 0 }

func (s *reasonSet) add(r listing.Reason) {
	if r != 0 {
		s.bits[r>>6] |= 1 << (r & 63)
	}
}

// dataset begins a data set of a combined file.
func (p *rbldnsd) dataset(args []byte) error {
	if !p.combine {
		return complain("combined", "read it with --format rbldnsd:combined", "$DATASET stands in files of type combined only")
	}
	if p.kind == combined {
		p.common = p.scope
	}
	kind, _, _ := bytes.Cut(args, []byte(" "))
	kind, _, _ = bytes.Cut(kind, []byte(":"))
	const most = 10_000
	if len(p.seen) == most {
		return fatal{complain("too-many-datasets", "split the file", "the file has more than %d data sets", most)}
	}
	p.flush()
	p.endSet()
	p.scope, p.kind = p.common, string(kind)
	p.entry = kinds[p.kind]
	p.set = len(p.seen)
	p.seen = append(p.seen, reasonSet{usual: p.options.Reason})
	if p.entry == nil {
		known := slices.DeleteFunc(rbldnsdFormats(), func(f string) bool { return f == "rbldnsd:"+combined })
		for n := range known {
			known[n] = known[n][len("rbldnsd:"):]
		}
		return complain("unknown-dataset", fmt.Sprintf("of these types: %v", known),
			"%s is not a type of data set that lists addresses: its lines are left out", quote(kind))
	}
	return nil
}
