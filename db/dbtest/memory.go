package dbtest

import (
	"cmp"
	"slices"

	"dnsbld/listing"
)

// memory is the list as maps, and every change that was made: what an engine
// is held against. Sources and streams are worked out from their definition.
type memory struct {
	head    listing.Revision
	own     map[listing.Key]listing.Entry
	pasts   map[listing.Key]listing.Past
	allows  map[listing.Subject]listing.Allow
	papers  map[[2]string]listing.Document
	sources map[string]listing.Source
	fed     map[string]map[listing.Key]listing.Entry
	config  string
	log     []listing.Change // sources' entries too
	sent    []sent
}

// sent is a request that is remembered, and its verdict.
type sent struct {
	request listing.Request
	entries []listing.Entry
	verdict listing.Verdict
}

func newMemory() *memory {
	return &memory{own: map[listing.Key]listing.Entry{}, pasts: map[listing.Key]listing.Past{}, allows: map[listing.Subject]listing.Allow{},
		papers: map[[2]string]listing.Document{}, sources: map[string]listing.Source{}, fed: map[string]map[listing.Key]listing.Entry{}}
}

var _ listing.State = (*memory)(nil)

func (m *memory) Head() listing.Revision { return m.head }
func (m *memory) Config() string         { return m.config }

func (m *memory) At(s listing.Subject) (at []listing.Entry, err error) {
	for k, e := range m.own {
		if k.Subject == s {
			at = append(at, e)
		}
	}
	slices.SortFunc(at, func(a, b listing.Entry) int { return int(a.Reason) - int(b.Reason) })
	return at, nil
}

func (m *memory) Past(k listing.Key) (listing.Past, error) { return m.pasts[k], nil }

func (m *memory) Allow(s listing.Subject) (listing.Allow, bool, error) {
	a, ok := m.allows[s]
	return a, ok, nil
}

func (m *memory) Source(name string) (listing.Source, bool, error) {
	s, ok := m.sources[name]
	return s, ok, nil
}

func (m *memory) Document(kind, id string) (listing.Document, bool, error) {
	d, ok := m.papers[[2]string{kind, id}]
	return d, ok, nil
}

// apply decides a request and keeps what it does.
func (m *memory) apply(r listing.Request) (listing.Verdict, error) {
	v, err := listing.Decide(m, r)
	if err != nil || r.DryRun {
		return v, err
	}
	for _, c := range v.Changes {
		m.change(c)
	}
	m.head = v.Revision
	m.remember(r, nil, v)
	return v, nil
}

func (m *memory) remember(r listing.Request, entries []listing.Entry, v listing.Verdict) {
	if len(v.Changes) > 0 || r.Keyed {
		m.sent = append(m.sent, sent{r, entries, v})
	}
}

func (m *memory) change(c listing.Change) {
	m.log = append(m.log, c)
	if past, ok := c.PastAfter(); ok {
		m.pasts[c.Before.Key] = past
	}
	switch {
	case c.Kind == listing.EntryChange && c.After != nil:
		m.own[c.After.Key] = *c.After
	case c.Kind == listing.EntryChange:
		delete(m.own, c.Before.Key)
	case c.Kind == listing.AllowChange && c.AllowAfter != nil:
		m.allows[c.AllowAfter.Subject] = *c.AllowAfter
	case c.Kind == listing.AllowChange:
		delete(m.allows, c.AllowBefore.Subject)
	case c.Kind == listing.DocumentChange && c.DocumentAfter != nil:
		m.papers[[2]string{c.DocumentAfter.Kind, c.DocumentAfter.ID}] = *c.DocumentAfter
	case c.Kind == listing.DocumentChange:
		delete(m.papers, [2]string{c.DocumentBefore.Kind, c.DocumentBefore.ID})
	case c.Kind == listing.SourceChange && c.SourceAfter != nil:
		m.sources[c.SourceAfter.Name] = *c.SourceAfter
	case c.Kind == listing.SourceChange:
		delete(m.sources, c.SourceBefore.Name)
		delete(m.fed, c.SourceBefore.Name)
	case c.Kind == listing.ConfigChange:
		m.config = c.Config
	}
}

// replace works out what an import does, entry by entry.
func (m *memory) replace(r listing.Request, entries []listing.Entry) (listing.Verdict, error) {
	name := r.Source.Name
	old := map[listing.Key]listing.Entry{}
	if src, ok := m.sources[name]; ok && src.Active(r.Time) {
		old = m.fed[name]
	}
	next := map[listing.Key]listing.Entry{}
	if r.Source.Add || r.Source.Part {
		for k, e := range old {
			next[k] = e
		}
	}
	var diff listing.Diff
	for k, e := range said(name, entries) {
		have, had := old[k]
		if r.Source.Part && !e.Until.IsZero() && !e.Until.After(r.Time) {
			delete(next, k)
			continue
		}
		if e.Since.IsZero() {
			e.Since = r.Time
			if had {
				e.Since = have.Since
			}
		}
		next[k] = e
		switch {
		case !had:
			diff.Added++
		case have == e:
			diff.Kept++
		default:
			diff.Altered++
		}
	}
	for k := range old {
		if _, stays := next[k]; !stays {
			diff.Removed++
		}
	}
	v, err := listing.DecideSource(m, r, diff)
	if err != nil || r.DryRun {
		return v, err
	}
	m.keep(v, old, next)
	m.remember(r, entries, v)
	return v, nil
}

// sweep works out which entries of a source have ended.
func (m *memory) sweep(r listing.Request) (listing.Verdict, error) {
	old, next := m.fed[r.Source.Name], map[listing.Key]listing.Entry{}
	for k, e := range old {
		if e.Until.IsZero() || r.Time.Before(e.Until) {
			next[k] = e
		}
	}
	v, err := listing.DecideSource(m, r, listing.Diff{Removed: len(old) - len(next)})
	if err == nil && len(v.Changes) > 0 {
		m.keep(v, old, next)
		m.remember(r, nil, v)
	}
	return v, err
}

// said is what entries say of each key.
func said(name string, entries []listing.Entry) map[listing.Key]listing.Entry {
	end := func(e listing.Entry) int64 {
		if e.Until.IsZero() {
			return 1 << 60
		}
		return e.Until.Unix()
	}
	begin := func(e listing.Entry) int64 {
		if e.Since.IsZero() {
			return 1 << 60
		}
		return e.Since.Unix()
	}
	listed := func(e listing.Entry) int {
		if e.Except {
			return 0
		}
		return 1
	}
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b listing.Entry) int { // the one that stands comes last
		return cmp.Or(listed(b)-listed(a), cmp.Compare(end(a), end(b)), cmp.Compare(begin(b), begin(a)),
			cmp.Compare(a.PublicNote, b.PublicNote), cmp.Compare(a.Note, b.Note), cmp.Compare(a.Ticket, b.Ticket))
	})
	all := map[listing.Key]listing.Entry{}
	for _, e := range sorted {
		k := listing.Key{Subject: e.Subject, Reason: e.Reason, Source: name}
		all[k] = listing.Entry{Key: k, Except: e.Except, Since: e.Since, Until: e.Until, Origin: listing.ByImport,
			PublicNote: e.PublicNote, Note: e.Note, Ticket: e.Ticket}
	}
	return all
}

// keep logs what an import made different, in order of key.
func (m *memory) keep(v listing.Verdict, old, next map[listing.Key]listing.Entry) {
	for _, c := range v.Changes {
		c.Last = false
		m.change(c)
	}
	last := v.Changes[len(v.Changes)-1]
	m.fed[last.SourceAfter.Name] = next
	var changes []listing.Change
	for k, e := range old {
		c := listing.Change{Revision: v.Revision, Header: last.Header, Kind: listing.EntryChange, Because: last.Because, Before: written(e, last.SourceBefore)}
		if after, stays := next[k]; stays {
			if after == e {
				continue
			}
			c.After = written(after, last.SourceAfter)
		}
		changes = append(changes, c)
	}
	for k, e := range next {
		if _, had := old[k]; !had {
			changes = append(changes, listing.Change{Revision: v.Revision, Header: last.Header, Kind: listing.EntryChange,
				After: written(e, last.SourceAfter)})
		}
	}
	sortChanges(changes)
	m.log = append(m.log, changes...)
	m.log[len(m.log)-1].Last = true
	m.head = v.Revision
}

// written is an entry with what it has from its source.
func written(e listing.Entry, src *listing.Source) *listing.Entry {
	e.Actor, e.Revision = src.Actor, src.Revision
	return &e
}

func sortChanges(changes []listing.Change) {
	slices.SortFunc(changes, func(a, b listing.Change) int { return compareKeys(keyOf(a), keyOf(b)) })
}

func keyOf(c listing.Change) listing.Key {
	if c.After != nil {
		return c.After.Key
	}
	return c.Before.Key
}

// all are the entries, in order.
func (m *memory) all() (all []listing.Entry) {
	for _, e := range m.own {
		all = append(all, e)
	}
	for name, entries := range m.fed {
		src := m.sources[name]
		for _, e := range entries {
			all = append(all, *written(e, &src))
		}
	}
	slices.SortFunc(all, func(a, b listing.Entry) int { return compareKeys(a.Key, b.Key) })
	return all
}

// history goes through every change there was.
func (m *memory) history(s listing.Subject) (all []listing.Change) {
	alive := map[string]int{}
	for _, c := range m.log {
		c.Last = false
		switch {
		case c.Kind == listing.EntryChange && keyOf(c).Subject == s:
			all = append(all, c)
			name := keyOf(c).Source
			if c.Before == nil {
				alive[name]++
			}
			if c.After == nil {
				alive[name]--
			}
		case c.Kind == listing.AllowChange && (c.AllowAfter != nil && c.AllowAfter.Subject == s || c.AllowBefore != nil && c.AllowBefore.Subject == s):
			all = append(all, c)
		case c.Kind == listing.SourceChange && c.SourceAfter == nil:
			if alive[c.SourceBefore.Name] > 0 {
				all = append(all, c)
			}
			delete(alive, c.SourceBefore.Name)
		}
	}
	return all
}
