package wildcard

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"dnsbld/listing"
)

// Marker is the reason of the exception that stands for a name which exists and
// lists nothing. Nothing is ever listed for it.
const Marker listing.Reason = 1

// Taken is a zone that came from its primary, to be made a list again: the
// opposite of Names. Names are put in as they come, and Entries are what answers
// about whole addresses as the zone does:
//
//   - a name of a whole address makes its reasons entries of that address, and a
//     wildcard those of the block that it covers, of both families where its
//     labels are digits;
//   - where a name exists, the wildcard above it ends: what that lists and the
//     name does not is an exception at the name.
//
// So each name has entries at its own prefix, which say again what it owns: Over
// lays over them what an IXFR says, which Change takes in. What an entry says in
// place of Plain is kept with $s for its subject, see Expand.
type Taken struct {
	Plain func(listing.Reason, listing.Subject) string // the TXT of an entry that has no text of its own

	hosts   []uint64          // IPv4: address, then number in said
	nodes   [families][]taken // all else, and names that exist by what lies below them in the other family
	said    []Answers         // 0: nothing, the name exists alone
	number  map[string]uint32
	changes map[netip.Prefix]*change
	last    [families]netip.Prefix // that exists by the other family
}

type taken struct {
	netip.Prefix
	said uint32
}

// Owned are the records of a name: what its A records are the reasons of, and the
// texts of its TXT records. With neither the name exists alone.
type Owned struct {
	Reasons []listing.Reason
	Texts   []string
}

// spot is what a name covers.
type spot struct {
	at    [families]netip.Prefix // not valid: nothing of the family
	star  bool
	whole bool // the name is that of an address
}

// owns reports whether what the name owns is said of a prefix of it. It is not
// where the name is a whole address of the other family alone.
func (s *spot) owns(p netip.Prefix) bool {
	return !s.star && !s.whole || p.IsSingleIP() != s.star
}

// read takes a name apart, relative to the zone: "7.2.0.192" or "*.2.0.192".
func read(name string) (s spot, ok bool) {
	rest, below := strings.CutPrefix(name, "*.")
	if s.star = below || name == "*"; name == "*" {
		rest = ""
	}
	for f, parse := range [families]func(string) (netip.Prefix, bool){octets, nibbles} {
		p, is := parse(rest)
		if is {
			s.at[f], ok = p, true
			s.whole = s.whole || p.IsSingleIP() && !s.star
		}
	}
	return s, ok
}

func octets(name string) (p netip.Prefix, ok bool) {
	var a [4]byte
	n := 0
	for ; name != ""; n++ {
		dot := strings.LastIndexByte(name, '.')
		label := name[dot+1:]
		if n == 4 || label == "" || len(label) > 3 || (len(label) > 1 && label[0] == '0') {
			return p, false
		}
		value := 0
		for _, c := range []byte(label) {
			if c < '0' || c > '9' {
				return p, false
			}
			value = 10*value + int(c-'0')
		}
		if value > 255 {
			return p, false
		}
		a[n], name = byte(value), name[:max(dot, 0)]
	}
	return netip.PrefixFrom(netip.AddrFrom4(a), 8*n), true
}

func nibbles(name string) (p netip.Prefix, ok bool) {
	var a [16]byte
	n := (len(name) + 1) / 2
	if n > 32 || (name != "" && len(name)%2 == 0) {
		return p, false
	}
	for i := range n {
		at := 2 * (n - 1 - i)
		value := strings.IndexByte("0123456789abcdef", name[at])
		if value < 0 || (i > 0 && name[at+1] != '.') {
			return p, false
		}
		a[i/2] |= byte(value << (4 * (1 - i%2)))
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), 4*n), true
}

// IsName reports whether a name, relative to the zone, can be a list's.
func IsName(name string) bool {
	_, ok := read(name)
	return ok && name != ""
}

// Put takes in what a name owns. It fails if that is not of a list.
func (t *Taken) Put(name string, o Owned) error {
	s, err := where(name, o)
	if err != nil {
		return err
	}
	for f, p := range s.at {
		switch {
		case !p.IsValid():
		case s.owns(p):
			t.put(family(f), p, t.pair(p, o))
		default:
			t.put(family(f), p, nil)
		}
	}
	return nil
}

// where refuses what the records of a name cannot be in a list. IPv4 addresses in
// IPv6 spelling, mapped ones and those of 6to4, answer as themselves: nothing is
// taken of those names.
func where(name string, o Owned) (s spot, err error) {
	s, ok := read(name)
	sixToFour := netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x02}), 16)
	switch p := s.at[v6]; {
	case !ok || s.star && !slices.ContainsFunc(s.at[:], func(p netip.Prefix) bool { return p.IsValid() && !p.IsSingleIP() }):
		err = fmt.Errorf("%s is no name of addresses", listing.Quote(name))
	case len(o.Reasons) > 0 && !s.star && !s.whole:
		err = fmt.Errorf("%s is listed, and is the name of no whole address", listing.Quote(name))
	case p.Addr().Is4In6(), p.Bits() >= sixToFour.Bits() && sixToFour.Contains(p.Addr()):
		s.at[v6] = netip.Prefix{}
	}
	return s, err
}

// pair gives each reason its text. Those that say what is said of all entries of
// the reason are found by that, the others by their order.
func (t *Taken) pair(p netip.Prefix, o Owned) (says Answers) {
	if len(o.Reasons) == 0 {
		return Answers{{Reason: Marker}}
	}
	s, texts := listing.Subject{Prefix: p}, slices.Clone(o.Texts)
	var open []int
	for _, r := range o.Reasons {
		if n := slices.Index(texts, t.Plain(r, s)); n >= 0 {
			texts = slices.Delete(texts, n, n+1)
		} else {
			open = append(open, len(says))
		}
		says = append(says, Answer{Reason: r})
	}
	for n, at := range open {
		if n < len(texts) {
			says[at].Text = Shrink(texts[n], s.Text())
		}
	}
	return says
}

// Shrink writes $s for the subject of a text, and $$ for what is a $ already.
func Shrink(text, subject string) string {
	return strings.NewReplacer(subject, "$s", "$", "$$").Replace(text)
}

// Expand is the text of an entry that was taken, with its subject.
func Expand(text, subject string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	return strings.NewReplacer("$$", "$", "$s", subject).Replace(text)
}

// put takes in what a prefix says, nil: that its name exists, with the names in
// the other family that exist by that.
func (t *Taken) put(f family, p netip.Prefix, says Answers) {
	said := t.id(says)
	if f == v4 && p.IsSingleIP() {
		a := p.Addr().As4()
		t.hosts = append(t.hosts, uint64(binary.BigEndian.Uint32(a[:]))<<32|uint64(said))
	} else {
		t.nodes[f] = append(t.nodes[f], taken{p, said})
	}
	other := v4 + v6 - f
	if q := twin(f, p); q.IsValid() && says != nil && q != t.last[other] {
		t.last[other] = q
		t.nodes[other] = append(t.nodes[other], taken{Prefix: q})
	}
}

// twin is the longest end of a name that could also be of an address of the other
// family: its last labels, up to four, that are single digits.
func twin(f family, p netip.Prefix) netip.Prefix {
	var digits []byte
	for n := range min(p.Bits()/labelBits[f], 4) {
		b := block{depth: n}
		d := b.index(f, p.Addr())
		if d > 9 {
			break
		}
		digits = append(digits, byte(d))
	}
	switch {
	case len(digits) == 0:
		return netip.Prefix{}
	case f == v6:
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(append(digits, 0, 0, 0, 0)[:4])), 8*len(digits))
	}
	var a [16]byte
	for n, d := range digits {
		a[n/2] |= d << (4 * (1 - n%2))
	}
	return netip.PrefixFrom(netip.AddrFrom16(a), 4*len(digits))
}

// id is the number of what is said: of many names the same.
func (t *Taken) id(says Answers) uint32 {
	if t.number == nil {
		t.number, t.said = map[string]uint32{}, []Answers{nil}
	}
	if says == nil {
		return 0
	}
	if n := len(t.said) - 1; same(t.said[n], says) { // runs of one are the rule
		return uint32(n)
	}
	var key strings.Builder
	for _, a := range says {
		fmt.Fprintf(&key, "%c%d %s", a.Reason, len(a.Text), a.Text)
	}
	n, known := t.number[key.String()]
	if !known {
		n = uint32(len(t.said))
		t.said = append(t.said, says)
		t.number[key.String()] = n
	}
	return n
}

// Len is how many names were taken in.
func (t *Taken) Len() int { return len(t.hosts) + len(t.nodes[v4]) + len(t.nodes[v6]) }

// Entries yields the entries of the list, none of which has a source yet.
func (t *Taken) Entries(yield func(listing.Entry, error) bool) {
	slices.Sort(t.hosts)
	for f := range t.nodes {
		slices.SortStableFunc(t.nodes[f], func(a, b taken) int { return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits()) })
		w := &unwalk{family: family(f), yield: yield}
		nodes, hosts := t.nodes[f], t.hosts
		if family(f) == v6 {
			hosts = nil
		}
		for len(nodes) > 0 || len(hosts) > 0 {
			p, says := t.next(&nodes, &hosts)
			if !w.enter(p, says) {
				return
			}
		}
	}
}

// next takes the first prefix of both lists, with all that is said of it.
func (t *Taken) next(nodes *[]taken, hosts *[]uint64) (p netip.Prefix, says Answers) {
	host := func() netip.Prefix {
		a := [4]byte(binary.BigEndian.AppendUint32(nil, uint32((*hosts)[0]>>32)))
		return netip.PrefixFrom(netip.AddrFrom4(a), 32)
	}
	if len(*hosts) > 0 {
		p = host()
	}
	if len(*nodes) > 0 && (len(*hosts) == 0 || (*nodes)[0].Addr().Compare(p.Addr()) <= 0) {
		p = (*nodes)[0].Prefix
	}
	for len(*nodes) > 0 && (*nodes)[0].Prefix == p {
		says = union(says, t.said[(*nodes)[0].said])
		*nodes = (*nodes)[1:]
	}
	for len(*hosts) > 0 && p.IsSingleIP() && host() == p {
		says = union(says, t.said[uint32((*hosts)[0])])
		*hosts = (*hosts)[1:]
	}
	return p, says
}

func union(a, b Answers) Answers {
	if len(a) == 0 {
		return b
	}
	all := slices.Clip(a)
	for _, x := range b {
		if !a.has(x.Reason) {
			all = append(all, x)
		}
	}
	return all
}

func (a Answers) has(r listing.Reason) bool {
	return slices.ContainsFunc(a, func(x Answer) bool { return x.Reason == r })
}

// unwalk goes down the names of one family, and makes them entries.
type unwalk struct {
	family
	yield func(listing.Entry, error) bool
	open  []region // each inside the one before
}

// enter goes to a name by those above it, which exist by it.
func (w *unwalk) enter(p netip.Prefix, says Answers) bool {
	for len(w.open) > 0 && !holds(w.open[len(w.open)-1].Prefix, p) {
		w.open = w.open[:len(w.open)-1]
	}
	if len(w.open) == 0 && p.Bits() > 0 {
		w.open = append(w.open, region{Prefix: netip.PrefixFrom(p.Addr(), 0).Masked()})
	}
	for len(w.open) > 0 {
		bits := w.open[len(w.open)-1].Bits() + labelBits[w.family]
		if bits >= p.Bits() {
			break
		}
		if !w.exist(netip.PrefixFrom(p.Addr(), bits).Masked(), nil) {
			return false
		}
	}
	return w.exist(p, says)
}

func holds(p, q netip.Prefix) bool { return p.Bits() < q.Bits() && p.Contains(q.Addr()) }

// exist makes the entries of a name inside the last one that is open.
func (w *unwalk) exist(p netip.Prefix, says Answers) bool {
	var above Answers
	if len(w.open) > 0 {
		above = w.open[len(w.open)-1].says
	}
	for e := range entriesOf(p, says, above) {
		if !w.yield(e, nil) {
			return false
		}
	}
	if !p.IsSingleIP() {
		w.open = append(w.open, region{p, says})
	}
	return true
}

// entriesOf are those at a name that exists, by what it says, and the name above.
func entriesOf(p netip.Prefix, says, above Answers) iter.Seq[listing.Entry] {
	return func(yield func(listing.Entry) bool) {
		e := listing.Entry{Key: listing.Key{Subject: listing.Subject{Prefix: p}}, Except: true}
		for _, a := range above {
			if e.Reason = a.Reason; a.Reason != Marker && !says.has(a.Reason) && !yield(e) {
				return
			}
		}
		for _, a := range says {
			if e.Reason, e.Except, e.PublicNote = a.Reason, a.Reason == Marker, a.Text; !yield(e) {
				return
			}
		}
	}
}
