package wildcard

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
)

// Here yields what a list that was taken has at a subject and inside it, in order of
// Key.
type Here func(listing.Subject) iter.Seq2[listing.Entry, error]

// overlay lays an IXFR over a list. The entries at a name go by three things alone:
// what the name says, what the name above says, and whether the name exists, which it
// does if something is said there or below, in either family. So what a name says
// newly changes entries at that name, at those above if it begins or ends to exist, and
// at those one label below if its reasons are others: no others are looked at.
type overlay struct {
	*Taken
	here  Here
	says  map[netip.Prefix]Answers // what changed names say, and others that were looked at
	holds map[netip.Prefix]bool    // changed names that say something, and all above them
	exist map[netip.Prefix]bool    // what was found out
	names map[netip.Prefix]bool    // whose entries may be others
	err   error                    // of here
}

// Over yields what changes in the list that is here: entries that come or say
// something else, and those that go, which have an end in 1970.
func (t *Taken) Over(here Here) iter.Seq2[listing.Entry, error] {
	return func(yield func(listing.Entry, error) bool) {
		o := &overlay{Taken: t, here: here, says: map[netip.Prefix]Answers{}, holds: map[netip.Prefix]bool{},
			exist: map[netip.Prefix]bool{}, names: map[netip.Prefix]bool{}}
		o.look()
		for p := range o.names {
			for _, e := range o.differences(p) {
				if !yield(e, nil) {
					return
				}
			}
		}
		if o.err != nil {
			yield(listing.Entry{}, o.err)
		}
	}
}

// look finds out what the changed names say now, and which names that concerns.
func (o *overlay) look() {
	for p, c := range o.changes {
		was := saidBy(o.at(p))
		now := o.changed(p, was, c)
		o.says[p], o.names[p] = now, true
		for a := p; now != nil && a.IsValid() && !o.holds[a]; a = above(a) {
			o.holds[a] = true
		}
		if (was == nil) != (now == nil) {
			for a := p; a.IsValid(); a = above(a) {
				o.names[a], o.names[counterpart(a)] = true, true
			}
		}
		if !slices.EqualFunc(was, now, func(a, b Answer) bool { return a.Reason == b.Reason }) {
			o.nameBelow(p)
		}
	}
	delete(o.names, netip.Prefix{})
}

// nameBelow adds the names one label below that may exist: those with entries inside, of
// either family, or all of them where the list has many.
func (o *overlay) nameBelow(p netip.Prefix) {
	const many = 1000
	f := familyOf(p)
	if p.IsSingleIP() {
		return
	}
	n := 0
	for _, q := range []netip.Prefix{p, counterpart(p)} {
		for e := range o.inside(q) {
			if n++; n > many {
				break
			}
			if below := e.Subject; below.Bits() > q.Bits() {
				child := netip.PrefixFrom(below.Addr(), q.Bits()+labelBits[familyOf(q)]).Masked()
				if q != p {
					child = counterpart(child)
				}
				o.names[child] = true
			}
		}
	}
	b := block{depth: p.Bits() / labelBits[f], v4: p, v6: p}
	for i := 0; n > many && i < 1<<labelBits[f]; i++ {
		o.names[b.child(f, i)] = true
	}
}

// differences are what changes of the entries at a name.
func (o *overlay) differences(p netip.Prefix) (all []listing.Entry) {
	if says := o.saysAt(p); says != nil || o.exists(p) {
		all = slices.Collect(entriesOf(p, says, o.saysAt(above(p))))
	}
	for _, e := range o.at(p) {
		n := slices.IndexFunc(all, func(x listing.Entry) bool { return x.Reason == e.Reason })
		switch {
		case n < 0:
			all = append(all, listing.Entry{Key: listing.Key{Subject: e.Subject, Reason: e.Reason}, Until: time.Unix(1, 0)})
		case all[n].Except == e.Except && all[n].PublicNote == e.PublicNote:
			all = slices.Delete(all, n, n+1)
		}
	}
	return all
}

func (o *overlay) saysAt(p netip.Prefix) Answers {
	says, known := o.says[p]
	if !known && p.IsValid() {
		says = saidBy(o.at(p))
		o.says[p] = says
	}
	return says
}

func (o *overlay) exists(p netip.Prefix) bool {
	is, known := o.exist[p]
	if !known {
		is = o.said(p) || o.said(counterpart(p))
		o.exist[p] = is
	}
	return is
}

// said reports whether something is said at a prefix or inside it.
func (o *overlay) said(p netip.Prefix) bool {
	if o.holds[p] {
		return true
	}
	for e := range o.inside(p) {
		if _, changed := o.changes[e.Subject.Prefix]; !changed && isSaid(&e) {
			return true
		}
	}
	return false
}

// at is what the list has at a prefix itself.
func (o *overlay) at(p netip.Prefix) (all []listing.Entry) {
	for e := range o.inside(p) {
		if e.Subject.Prefix != p {
			break
		}
		all = append(all, e)
	}
	return all
}

func (o *overlay) inside(p netip.Prefix) iter.Seq[listing.Entry] {
	return func(yield func(listing.Entry) bool) {
		if !p.IsValid() {
			return
		}
		for e, err := range o.here(listing.Subject{Prefix: p}) {
			if err != nil {
				o.err = err
				return
			}
			if !yield(e) {
				return
			}
		}
	}
}

// isSaid reports whether an entry is what the name says, and not an exception from what
// the name above does.
func isSaid(e *listing.Entry) bool { return !e.Except || e.Reason == Marker }

func saidBy(entries []listing.Entry) (all Answers) {
	for _, e := range entries {
		if isSaid(&e) {
			all = append(all, Answer{Reason: e.Reason, Text: e.PublicNote})
		}
	}
	return all
}

// above is the prefix of the name one label shorter; not valid: there is none.
func above(p netip.Prefix) netip.Prefix {
	return netip.PrefixFrom(p.Addr(), p.Bits()-labelBits[familyOf(p)]).Masked()
}

// counterpart is the prefix of the other family that has the same name; not valid:
// there is none.
func counterpart(p netip.Prefix) netip.Prefix {
	f := familyOf(p)
	if q := twin(f, p); q.IsValid() && q.Bits()/labelBits[v4+v6-f] == p.Bits()/labelBits[f] {
		return q
	}
	return netip.Prefix{}
}
