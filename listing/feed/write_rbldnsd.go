package feed

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"dnsbld/listing"
)

// rbldnsdWriter writes a file of type combined, to be served as
// ZONE:combined:FILE. It has one data set for each reason, source and family,
// for rbldnsd answers the most specific entry of a data set alone: so several
// reasons are answered for one address, and an exception cuts what it shall.
// They are ip4trie and ip6trie, in which exceptions may be of any length.
//
// An exception of this list's own stands in the data sets of sources too; there
// the entries that are narrower list as before.
//
// Data sets follow each other in the file, entries do not come in that order:
// until the end hosts are kept, four octets each, and the rest as text.
type rbldnsdWriter struct {
	out     *output
	hidden  listing.Cover
	sets    []*dataset
	byName  map[dataSetName]*dataset
	excepts []listing.Key // of this list's own
	texts   templates
}

type dataSetName struct {
	reason listing.Reason
	source string
	v6     bool
}

type dataset struct {
	dataSetName
	hosts []uint32
	lines bytes.Buffer
	wide  bool // holds prefixes, which exceptions can cut
}

func newRbldnsdWriter(o *output) (encoder, error) {
	return &rbldnsdWriter{out: o, hidden: listing.NewCover(append([]listing.Subject{loopback()}, o.Hide...)...),
		byName: map[dataSetName]*dataset{}, texts: templates{out: o}}, nil
}

func (w *rbldnsdWriter) write(e *listing.Entry) error {
	if w.hidden.Covers(e.Subject) || (e.Source != "" && w.excepted(e)) {
		return nil
	}
	d := w.dataset(dataSetName{e.Reason, e.Source, e.Subject.Addr().Is6()})
	if e.Except {
		if e.Source == "" {
			w.excepts = append(w.excepts, e.Key)
		}
		fmt.Fprintf(&d.lines, "!%s\n", e.Subject.Text())
		return nil
	}
	d.wide = d.wide || !e.Subject.IsHost()
	usual := e.Subject.IsHost() && e.PublicNote == "" && w.texts.of(e.Reason, !d.v6) != ""
	switch {
	case usual && d.v6:
		fmt.Fprintln(&d.lines, e.Subject.Text())
	case usual:
		d.hosts = append(d.hosts, e.Subject.V4())
	default:
		w.texts.appendTo(&d.lines, e.Subject, e.Reason, e.Subject, e.PublicNote)
	}
	return nil
}

// excepted reports whether an exception of this list's own, which comes just
// before, is of the same prefix.
func (w *rbldnsdWriter) excepted(e *listing.Entry) bool {
	n := len(w.excepts) - 1
	return n >= 0 && w.excepts[n].Subject == e.Subject && w.excepts[n].Reason == e.Reason
}

func (w *rbldnsdWriter) dataset(name dataSetName) *dataset {
	d := w.byName[name]
	if d == nil {
		d = &dataset{dataSetName: name}
		w.byName[name], w.sets = d, append(w.sets, d)
	}
	return d
}

func (w *rbldnsdWriter) close() error {
	w.out.printf("# For rbldnsd, as ZONE:%s:FILE\n", combined)
	if len(w.out.NS) > 0 {
		w.out.printf("$SOA 0 %s %s %d 1h 15m 4w 5m\n$NS 0 %s\n", w.out.NS[0], w.out.mail(), w.out.Serial, strings.Join(w.out.NS, " "))
	}
	w.out.printf("$TTL %d\n", int(w.out.TTL.Seconds()))
	for _, d := range w.sets {
		w.put(d)
	}
	w.out.printf("$DATASET generic:test @\n")
	for _, name := range testPoints() {
		w.out.printf("%s A 127.0.0.2\n%s TXT \"%s\"\n", name, name, testText)
	}
	return nil
}

func (w *rbldnsdWriter) put(d *dataset) {
	kind := "ip4trie"
	if d.v6 {
		kind = "ip6trie"
	}
	w.out.printf("$DATASET %s:%s @\n", kind, strings.TrimSuffix(w.out.Reasons.Symbol(d.reason)+"/"+d.source, "/"))
	w.out.printf(":127.0.0.%d:%s\n", d.reason, w.texts.of(d.reason, !d.v6))
	var b []byte
	for _, h := range d.hosts {
		b = append(addr4(h).AppendTo(b[:0]), '\n')
		_, _ = w.out.Write(b) // the flush at the end tells
	}
	_, _ = w.out.Write(d.lines.Bytes())
	if !d.wide {
		return
	}
	for _, h := range w.hidden {
		if h.Addr().Is6() == d.v6 && h != loopback() {
			w.out.printf("!%s\n", h.Text())
		}
	}
	for _, x := range w.excepts {
		if d.source != "" && x.Reason == d.reason && x.Subject.Addr().Is6() == d.v6 {
			w.out.printf("!%s\n", x.Subject.Text())
		}
	}
}

// trieWriter writes one data set, an ip4trie or ip6trie, of that family's part
// of the list. It answers one reason for an address: the strongest.
type trieWriter struct {
	out     *output
	v6      bool
	texts   templates
	current listing.Reason // of the default line
}

func newTrieWriter(v6 bool) func(*output) (encoder, error) {
	return func(o *output) (encoder, error) {
		o.printf("$TTL %d\n", int(o.TTL.Seconds()))
		return newSweep(o, visitor{enter: (&trieWriter{out: o, v6: v6, texts: templates{out: o}}).enter}), nil
	}
}

func (w *trieWriter) enter(n, parent *node) error {
	switch {
	case n.subject.Addr().Is6() != w.v6:
	case n.isListed():
		if parent.isListed() && parent.wins[0] == n.wins[0] {
			return nil
		}
		w.list(n)
	case n.except || parent.isListed():
		w.out.printf("!%s\n", n.subject.Text())
	}
	return nil
}

// list writes a prefix with the strongest of its reasons. For hosts whose text
// is that of all, a default line comes before the first.
func (w *trieWriter) list(n *node) {
	win := &n.wins[0]
	template := w.texts.of(win.Reason, !w.v6)
	if template == "" || n.subject != win.Subject || !n.subject.IsHost() || win.Text != "" {
		w.texts.appendTo(w.out, n.subject, win.Reason, win.Subject, win.Text)
		return
	}
	if win.Reason != w.current {
		w.current = win.Reason
		w.out.printf(":127.0.0.%d:%s\n", win.Reason, template)
	}
	w.out.printf("%s\n", n.subject.Text())
}

// templates are the texts of hosts, by reason and family: the same for all but
// for the address, which rbldnsd puts in place of a dollar sign.
type templates struct {
	out  *output
	text [2][256]string
}

// of is the template of a reason, or nothing if the texts of some hosts would
// be too long for it.
func (t *templates) of(r listing.Reason, v4 bool) string {
	longest, family := listing.HostSubject(netip.AddrFrom4([4]byte{255, 255, 255, 255})), 0
	if !v4 {
		longest, family = listing.HostSubject(netip.AddrFrom16([16]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})), 1
	}
	if t.text[family][r] == "" {
		text := t.out.txt(r, longest, "")
		if strings.HasSuffix(text, "...") || (t.out.Page != "" && !strings.HasSuffix(text, longest.Text())) || strings.Contains(text, "...; ") {
			return ""
		}
		t.text[family][r] = strings.ReplaceAll(strings.ReplaceAll(text, "$", "$$"), longest.Text(), "$")
	}
	return t.text[family][r]
}

// appendTo writes an entry with its value: the text is that of the subject
// that lists it.
func (t *templates) appendTo(to io.Writer, at listing.Subject, r listing.Reason, of listing.Subject, own string) {
	b := append(make([]byte, 0, 256), at.Text()...)
	b = append(b, " :127.0.0."...)
	b = strconv.AppendInt(b, int64(r), 10)
	b = append(b, ':')
	b = append(b, strings.ReplaceAll(t.out.txt(r, of, own), "$", "$$")...)
	_, _ = to.Write(append(b, '\n')) // a buffer, or the flush at the end tells
}
