package zone

import (
	"context"
	"errors"
	"iter"
	"net/netip"
	"slices"

	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/nice"

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

// refuses says why somebody may not; empty: he may.
func (a *access) refuses(s *signature, from Peer) string {
	switch {
	case a.key == nil && len(a.from) == 0:
		return "the zone has neither transfer_key nor transfer_from"
	case a.tls && !from.TLS:
		return "it is given over TLS alone"
	case a.key != nil && s.key == nil:
		return "the question is not signed"
	case a.key != nil && s.key != a.key:
		return "another key signs the question"
	case len(a.from) > 0 && !slices.ContainsFunc(a.from, func(p netip.Prefix) bool { return p.Contains(from.Addr.Addr()) }):
		return "transfer_from does not have the address"
	}
	return ""
}

// compileAccess checks who may transfer the zone and who is told of changes.
func (z *zone) compileAccess(c Zone, known keys, p *problems) {
	z.access.from, z.access.tls = c.TransferFrom, c.TransferTLS
	if c.TransferKey != "" {
		name, _, err := wireName(c.TransferKey)
		z.access.key = known[name]
		p.Unless(err == nil && z.access.key != nil, "transfer_key: there is no key %s", listing.Quote(c.TransferKey))
	}
	for _, a := range c.Notify {
		p.Unless(a.IsValid() && a.Port() != 0, "notify: %s is no address to tell", a)
	}
	z.notify = c.Notify
}

// transfer is a zone on its way to a secondary (RFC 5936, RFC 1995).
type transfer struct {
	zone *zone
	set  *index.Set
	have *uint32 // the serial that the secondary has; nil: it wants all
}

func (t *transfer) rendering() rendering { return rendering{t.zone, t.set} }

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
func (c *conversation) send(ctx context.Context, t *streamed) (err error) {
	client := listing.ClientPrefix(c.peer.Addr.Addr()).Addr()
	if !c.server.admission.enter(ctx, client, c.idle) {
		return errors.New("too many transfers")
	}
	defer c.server.admission.leave(client)
	nice.Do(func() { err = c.sendNow(ctx, t) })
	return err
}

func (c *conversation) sendNow(ctx context.Context, t *streamed) error {
	to := newCourier(c, t)
	f := newFrames(len(to.head), t.zone.ttl, to.put)
	now := t.zone.soaRecord(t.zone.serial(t.set))
	f.add(&now)
	d := c.server.difference(ctx, t.transfer)
	c.server.sent[d.form].Add(1)
	switch d.form {
	case whole:
		for _, r := range t.zone.staticRecords() {
			f.add(&r)
		}
		if f.flush(); f.err == nil && !t.zone.catalog {
			f.err = c.server.carousels.ride(t.rendering(), to)
		}
		f.add(&now)
	case incremental:
		was := t.zone.soaRecord(*t.have)
		f.add(&was)
		d.gone.but(&d.come, f.add)
		f.add(&now)
		d.come.but(&d.gone, f.add)
		f.add(&now)
	}
	if f.flush(); f.err != nil {
		return f.err
	}
	return to.flush()
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
