package zone

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"

	"github.com/miekg/dns"
)

// Log is what transfers read of the store, a listing.Store for one.
type Log interface {
	Changes(ctx context.Context, after listing.Revision) iter.Seq2[listing.Change, error]
}

// access says who may have a copy of a zone: whoever fulfils both, and nobody
// where there is neither.
type access struct {
	key  *key           // that signs the question; nil: any or none
	from []netip.Prefix // where it comes from; none: anywhere
	tls  bool           // over TLS alone
}

func (a *access) allows(s *signature, from Peer) bool {
	switch {
	case a.tls && !from.TLS:
		return false
	case a.key == nil && len(a.from) == 0:
		return false
	case a.key != nil && s.key != a.key:
		return false
	}
	return len(a.from) == 0 || slices.ContainsFunc(a.from, func(p netip.Prefix) bool { return p.Contains(from.Addr.Addr()) })
}

// compileAccess checks who may transfer the zone and who is told of changes.
func (z *zone) compileAccess(c Zone, known keys, p *problems) {
	z.access.from, z.access.tls = c.TransferFrom, c.TransferTLS
	if c.TransferKey != "" {
		name, _, err := wireName(c.TransferKey)
		z.access.key = known[name]
		p.check(err == nil && z.access.key != nil, "transfer_key: there is no key %s", listing.Quote(c.TransferKey))
	}
	for _, a := range c.Notify {
		p.check(a.IsValid() && a.Port() != 0, "notify: %s is no address to tell", a)
	}
	z.notify = c.Notify
}

// Transfers under way at once; the next one waits.
const mostTransfers = 16

// transfer is a zone on its way to a secondary (RFC 5936, RFC 1995).
type transfer struct {
	zone *zone
	set  *index.Set
	have *uint32 // the serial that the secondary has; nil: it wants all
}

// transferOf is what a question for a transfer is answered with: a stream over
// TCP, and over UDP the SOA record, after which the client comes back by TCP
// (RFC 1995, section 2).
func (s *Server) transferOf(r *request, z *zone, set *index.Set, over Transport) reply {
	switch {
	case over == TCP:
		t := &transfer{zone: z, set: set}
		if r.qtype == dns.TypeIXFR {
			have, ok := clientSerial(r.wire)
			if !ok {
				return reply{kind: kindFormErr}
			}
			t.have = &have
		}
		return reply{kind: kindData, transfer: t}
	case r.qtype == dns.TypeAXFR:
		return refused(edeProhibited)
	}
	soa := z.soa
	soa.Serial = z.serial(set)
	return reply{kind: kindData, answer: []dns.RR{&soa}}
}

// clientSerial is the serial in the authority section of an IXFR question.
func clientSerial(query []byte) (uint32, bool) {
	var m dns.Msg
	if m.Unpack(query) != nil || len(m.Ns) != 1 {
		return 0, false
	}
	soa, ok := m.Ns[0].(*dns.SOA)
	if !ok {
		return 0, false
	}
	return soa.Serial, true
}

// send streams a transfer to the client.
func (c *conversation) send(ctx context.Context, t *streamed) error {
	select {
	case c.server.transfers <- struct{}{}:
		defer func() { <-c.server.transfers }()
	case <-time.After(c.idle):
		return errors.New("too many transfers")
	}
	f := newFrames(c, t.zone, &t.request, &t.signature)
	now := t.zone.soaRecord(t.zone.serial(t.set))
	f.add(&now)
	removed, added, form := c.server.difference(ctx, t.transfer)
	c.server.sent[form].Add(1)
	switch form {
	case whole:
		for rec := range (rendering{t.zone, t.set}).records() {
			if f.add(&rec); f.err != nil {
				return f.err
			}
		}
		f.add(&now)
	case incremental:
		was := t.zone.soaRecord(*t.have)
		f.addAll([]record{was}, removed, []record{now}, added, []record{now})
	}
	return f.flush()
}

// form is how a transfer is answered.
type form uint8

const (
	whole       form = iota // all records
	incremental             // what changed
	current                 // nothing did: the SOA record alone
	forms
)

var formNames = [forms]string{"whole", "incremental", "current"}

// frames are the messages of a transfer. Each has the question, so that names
// can point to the zone's name in it.
type frames struct {
	c     *conversation
	ttl   uint32
	sig   *signature
	buf   []byte // the length, then the message
	empty int    // length of a message without records
	count uint16
	owner string // of the last record
	at    uint16 // where it stands
	err   error
}

// frameSize keeps names where pointers reach them (RFC 1035, section 4.1.4).
const frameSize = 1<<14 - 1

func newFrames(c *conversation, z *zone, r *request, sig *signature) *frames {
	f := &frames{c: c, ttl: z.ttl, sig: sig, buf: append(make([]byte, 0, 1<<15), 0, 0)}
	w := writer{}
	w.header(r, &reply{kind: kindData})
	f.buf = append(f.buf, w.buf...)
	f.empty = len(f.buf)
	return f
}

// add writes a record, and sends the message before it if that is full.
func (f *frames) add(r *record) {
	const most = 2 + 10 // a pointer; type, class, TTL and length
	if len(f.buf)+len(r.owner)+most+len(r.data)+f.sig.size() > frameSize {
		f.err = errors.Join(f.err, f.flush())
	}
	if f.count > 0 && f.owner == r.owner {
		again := record{rrtype: r.rrtype, data: r.data}
		f.buf = again.append(f.buf, f.ttl, f.at)
	} else {
		f.owner, f.at = r.owner, uint16(len(f.buf)-2)
		if f.owner == "" {
			f.at = headerSize
		}
		f.buf = r.append(f.buf, f.ttl, headerSize)
	}
	f.count++
}

func (f *frames) addAll(lists ...[]record) {
	for _, list := range lists {
		for n := range list {
			f.add(&list[n])
		}
	}
}

// flush sends what is written so far. A client that does not read holds up
// nothing but its own transfer, and not for ever.
func (f *frames) flush() error {
	if f.count == 0 || f.err != nil {
		return f.err
	}
	message := f.buf[2:]
	binary.BigEndian.PutUint16(message[6:], f.count)
	message = f.sig.sign(message)
	out := append(f.buf[:2:2], message...)
	binary.BigEndian.PutUint16(out, uint16(len(message)))
	_ = f.c.conn.SetWriteDeadline(time.Now().Add(f.c.idle))
	_, f.err = f.c.conn.Write(out)
	f.buf, f.count = f.buf[:f.empty], 0
	binary.BigEndian.PutUint16(f.buf[2+10:], 0)
	return f.err
}

// Limits of an IXFR: a secondary that is farther behind gets the whole zone.
const (
	mostChanges = 100_000
	leastNames  = 10_000 // of a difference that is worth it in the smallest zone
	logTime     = 10 * time.Second
)

// difference is what changed since the serial that a secondary has.
func (s *Server) difference(ctx context.Context, t *transfer) (removed, added []record, f form) {
	now := t.zone.serial(t.set)
	switch {
	case t.have == nil:
		return nil, nil, whole
	case int32(now-*t.have) <= 0: // RFC 1982
		return nil, nil, current
	case t.zone.catalog:
		return nil, nil, whole
	}
	old, at, err := s.before(ctx, t.set, t.set.Revision()-listing.Revision(now-*t.have))
	if err != nil {
		return nil, nil, whole
	}
	was, is := rendering{t.zone, old}, rendering{t.zone, t.set}
	stats := t.set.Stats()
	gone, come, fits := was.names().Diff(is.names(), at, max(leastNames, (stats.Hosts+stats.Prefixes)/2))
	if !fits {
		return nil, nil, whole
	}
	had := map[record]bool{}
	for _, o := range gone {
		was.owned(o, func(r record) bool { had[r] = true; return true })
	}
	for _, o := range come {
		is.owned(o, func(r record) bool {
			if had[r] {
				delete(had, r)
			} else {
				added = append(added, r)
			}
			return true
		})
	}
	for r := range had {
		removed = append(removed, r)
	}
	return removed, added, incremental
}

// before is the list at an earlier revision, made from a later one by taking
// back what the log has since, and the prefixes at which it differs. It fails
// if the log does not reach back to it, and if something is not to be taken
// back: the end of a source, or another configuration.
func (s *Server) before(ctx context.Context, set *index.Set, back listing.Revision) (old *index.Set, at []netip.Prefix, err error) {
	if s.log == nil || back == 0 {
		return nil, nil, errors.New("there is no log")
	}
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	undo, err := s.changesBetween(ctx, back, set.Revision())
	if err != nil {
		return nil, nil, err
	}
	for n := range undo {
		if p, ok := subjectOf(&undo[n]); ok {
			at = append(at, p)
		}
		inverse, ok := inverted(undo[n])
		if !ok {
			return nil, nil, fmt.Errorf("revision %d is not to be taken back", inverse.Revision)
		}
		undo[n] = inverse
	}
	slices.Reverse(undo)
	old, err = set.With(undo)
	return old, at, err
}

// changesBetween are those after one revision of the log, up to and with
// another. That the first is found makes sure that it is of this log, and not of
// one that a restore took back.
func (s *Server) changesBetween(ctx context.Context, from, to listing.Revision) (all []listing.Change, err error) {
	known := false
	for c, err := range s.log.Changes(ctx, from-1) {
		known = known || c.Revision == from
		switch {
		case err != nil:
			return nil, err
		case !known, c.Revision > to, len(all) == mostChanges:
			return nil, fmt.Errorf("the log has no short way from revision %d to %d", from, to)
		case c.Revision > from:
			all = append(all, c)
		}
		if c.Last && c.Revision == to {
			return all, nil
		}
	}
	return nil, errors.New("the log was not read in time")
}

// inverted takes a change back.
func inverted(c listing.Change) (listing.Change, bool) {
	c.Before, c.After = c.After, c.Before
	c.AllowBefore, c.AllowAfter = c.AllowAfter, c.AllowBefore
	c.SourceBefore, c.SourceAfter = c.SourceAfter, c.SourceBefore
	return c, c.Kind != listing.ConfigChange && (c.Kind != listing.SourceChange || c.SourceBefore != nil)
}

// subjectOf is the prefix at which a change makes a difference.
func subjectOf(c *listing.Change) (netip.Prefix, bool) {
	for _, e := range []*listing.Entry{c.Before, c.After} {
		if e != nil {
			return e.Subject.Prefix, true
		}
	}
	for _, a := range []*listing.Allow{c.AllowBefore, c.AllowAfter} {
		if a != nil {
			return a.Subject.Prefix, true
		}
	}
	return netip.Prefix{}, false
}
