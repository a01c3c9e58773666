package index_test

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/index"
)

// model is the list as a plain collection. What it answers is written straight
// from the doc comments of listing.Entry and Set.Lookup.
type model struct {
	revision listing.Revision
	entries  map[listing.Key]listing.Served
	allows   map[listing.Subject]listing.Allow
	sources  map[string]listing.Source
	never    []listing.Protected
}

func newModel() *model {
	return &model{entries: map[listing.Key]listing.Served{}, allows: map[listing.Subject]listing.Allow{}, sources: map[string]listing.Source{}}
}

func (m *model) clone() *model {
	return &model{m.revision, maps.Clone(m.entries), maps.Clone(m.allows), maps.Clone(m.sources), m.never}
}

// apply takes in one change.
func (m *model) apply(c listing.Change) {
	m.revision = c.Revision
	switch {
	case c.After != nil:
		e := c.After
		m.entries[e.Key] = listing.Served{Key: e.Key, Except: e.Except, Until: e.Until, Text: e.PublicNote}
	case c.Before != nil:
		delete(m.entries, c.Before.Key)
	case c.AllowAfter != nil:
		m.allows[c.AllowAfter.Subject] = *c.AllowAfter
	case c.AllowBefore != nil:
		delete(m.allows, c.AllowBefore.Subject)
	case c.SourceAfter != nil:
		m.sources[c.SourceAfter.Name] = *c.SourceAfter
	case c.SourceBefore != nil:
		name := c.SourceBefore.Name
		delete(m.sources, name)
		maps.DeleteFunc(m.entries, func(k listing.Key, _ listing.Served) bool { return k.Source == name })
	}
}

// end is when an entry ends, at the latest with its source.
func (m *model) end(e listing.Served) time.Time {
	if e.Source == "" {
		return e.Until
	}
	s := m.sources[e.Source]
	if e.Until.IsZero() || s.Until.Before(e.Until) {
		return s.Until
	}
	return e.Until
}

func (m *model) allowed(a netip.Addr, now time.Time) bool {
	for _, n := range m.never {
		if n.Subject.Contains(a) {
			return true
		}
	}
	for _, allow := range m.allows {
		if allow.Subject.Contains(a) && allow.Active(now) {
			return true
		}
	}
	return false
}

func (m *model) lookup(a netip.Addr, now time.Time) []index.Hit {
	if m.allowed(a, now) {
		return nil
	}
	byReason := map[listing.Reason][]listing.Served{}
	for _, e := range m.entries {
		if e.Subject.Contains(a) && now.Before(m.end(e)) {
			byReason[e.Reason] = append(byReason[e.Reason], e)
		}
	}
	var hits []index.Hit
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		if listed := m.candidates(byReason[reason]); len(listed) > 0 {
			e := slices.MinFunc(listed, m.rank)
			hits = append(hits, index.Hit{Reason: reason, Prefix: e.Subject.Prefix, Until: uint32(m.end(e).Unix()), Text: index.Text{Tail: e.Text}, Source: e.Source})
		}
	}
	return hits
}

// candidates are the most specific entry of each source, less exceptions and
// what an exception of the list's own, as narrow or narrower, takes out.
func (m *model) candidates(entries []listing.Served) []listing.Served {
	best, excepted := map[string]listing.Served{}, -1
	for _, e := range entries {
		if b, ok := best[e.Source]; !ok || e.Subject.Bits() > b.Subject.Bits() {
			best[e.Source] = e
		}
		if e.Source == "" && e.Except {
			excepted = max(excepted, e.Subject.Bits())
		}
	}
	var listed []listing.Served
	for _, e := range best {
		if !e.Except && (e.Source == "" || e.Subject.Bits() > excepted) {
			listed = append(listed, e)
		}
	}
	return listed
}

// rank orders entries of one reason: most specific, own, last to end, name.
// (The empty name, which is this list's own, would sort first anyway, but the
// end comes before the name.)
func (m *model) rank(a, b listing.Served) int {
	isOwn := func(e listing.Served) int {
		if e.Source == "" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.Subject.Bits(), a.Subject.Bits()), cmp.Compare(isOwn(a), isOwn(b)),
		m.end(b).Compare(m.end(a)), cmp.Compare(a.Source, b.Source))
}

func (m *model) overlaps(p netip.Prefix) bool {
	for k := range m.entries {
		if k.Subject.Overlaps(p) {
			return true
		}
	}
	return false
}

// due are the edits that a sweep owes, as comparable values.
func (m *model) due(now time.Time) map[owed]bool {
	edits := map[owed]bool{}
	for _, e := range m.entries {
		switch {
		case e.Until.IsZero() || now.Before(e.Until):
		case e.Source == "":
			edits[owed{key: e.Key}] = true
		default:
			edits[owed{source: e.Source}] = true
		}
	}
	for s, a := range m.allows {
		if !a.Active(now) {
			edits[owed{subject: s}] = true
		}
	}
	for name, s := range m.sources {
		if !s.Active(now) {
			edits[owed{source: name}] = true
		}
	}
	return edits
}

// owed is what tells one edit of a sweep from another.
type owed struct {
	key     listing.Key
	subject listing.Subject
	source  string
}

func (m *model) stats() index.Stats {
	st := index.Stats{Allows: len(m.allows), Sources: len(m.sources)}
	for _, e := range m.entries {
		switch {
		case e.Except:
			st.Exceptions++
		case e.Subject.IsSingleIP():
			st.Hosts++
		default:
			st.Prefixes++
		}
	}
	return st
}

// packed gives a snapshot in blocks, as a store does that packs sources: texts of a
// block that begin alike are cut.
type packed struct{ snapshot }

func (s packed) Blocks() iter.Seq2[*listing.Block, error] {
	return func(yield func(*listing.Block, error) bool) {
		for _, entries := range inBlocks(maps.Values(s.entries)) {
			for len(entries) > 0 {
				n := len(entries)
				if entries[0].Source == "" {
					n = 1
				}
				if !yield(packBlock(entries[:n]), nil) {
					return
				}
				entries = entries[n:]
			}
		}
	}
}

// inBlocks are entries as they can lie in blocks.
func inBlocks(all iter.Seq[listing.Served]) map[string][]listing.Served {
	blocks := map[string][]listing.Served{}
	for e := range all {
		name := fmt.Sprintf("%q %t", e.Source, e.Subject.Addr().Is4())
		if a := e.Subject.Addr(); a.Is4() && e.Subject.Bits() == 32 {
			name += a.String()[:len("192.0.")]
		}
		blocks[name] = append(blocks[name], e)
	}
	for _, entries := range blocks {
		slices.SortFunc(entries, func(a, b listing.Served) int { return a.Key.Compare(b.Key) })
	}
	return blocks
}

func packBlock(entries []listing.Served) *listing.Block {
	b, whole := &listing.Block{Source: entries[0].Source}, ""
	for _, e := range entries {
		said := listing.Said{Reason: e.Reason, Except: e.Except, Until: e.Until, Text: e.Text}
		n := 0
		for n < min(len(whole), len(e.Text)) && whole[n] == e.Text[n] {
			n++
		}
		if n > 0 {
			said.Head, said.Text = e.Text[:n], e.Text[n:]
		} else if e.Text != "" {
			whole = e.Text
		}
		b.Said, b.Which = append(b.Said, said), append(b.Which, uint32(len(b.Which)))
		if host := e.Subject; host.Addr().Is4() && host.Bits() == 32 && e.Source != "" {
			b.Net, b.Hosts = host.V4()&^0xffff, append(b.Hosts, uint16(host.V4()))
		} else {
			b.Subjects = append(b.Subjects, host)
		}
	}
	return b
}

// snapshot is the model as a listing.Snapshot, as far as the index reads one.
type snapshot struct {
	listing.Snapshot
	*model
}

func (s snapshot) Revision() listing.Revision { return s.revision }
func (s snapshot) Allows() ([]listing.Allow, error) {
	return slices.Collect(maps.Values(s.allows)), nil
}
func (s snapshot) Sources() ([]listing.Source, error) {
	return slices.Collect(maps.Values(s.sources)), nil
}
func (s snapshot) Served() iter.Seq2[listing.Served, error] {
	return func(yield func(listing.Served, error) bool) {
		for _, e := range s.entries { // a map: in another order each time
			if !yield(e, nil) {
				return
			}
		}
	}
}
