package dbtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"

	"pgregory.net/rapid"
)

// model does the same to the store and to a memory, and holds them equal.
func model(t *testing.T, b *fixture) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(b.dir, "")
		if err != nil {
			rt.Fatal(err)
		}
		m := &machine{t: rt, memory: newMemory(), now: b.now}
		m.store = b.open(t, dir)
		defer func() { _ = m.store.Close() }() // a failure was reported already
		m.reopen = func() {
			if err := m.store.Close(); err != nil {
				rt.Fatal(err)
			}
			m.store = b.open(t, dir)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"edit":    m.edit,
			"import":  m.importSource,
			"sweep":   m.sweep,
			"repeat":  m.repeat,
			"wait":    m.wait,
			"reopen":  func(*rapid.T) { m.reopen() },
			"look":    m.look,
			"changes": m.changes,
		})
	})
}

type machine struct {
	t      *rapid.T
	store  listing.Store
	memory *memory
	now    time.Time
	ids    int
	reopen func()
}

var (
	subjects = rapid.SampledFrom([]listing.Subject{subject("192.0.2.1"), subject("192.0.2.2"), subject("192.0.3.2"), subject("198.51.100.255"),
		subject("0.0.0.0"), subject("255.255.255.255"), subject("192.0.2.0/31"), subject("192.0.2.0/24"), subject("192.0.0.0/14"), subject("0.0.0.0/0"),
		subject("2001:db8::1"), subject("2001:db8::/64"), subject("2001:db8::/32"), subject("2001:db8:1::/48")})
	reasons = rapid.SampledFrom([]listing.Reason{listing.BareIP, listing.OurIP, listing.Repeat})
	notes   = rapid.SampledFrom([]string{"", "", "a note", "another"})
	names   = rapid.SampledFrom([]string{"a-feed", "b-feed"})
	delists = rapid.SampledFrom(listing.DelistReasons())
)

func (m *machine) header() listing.Header {
	m.ids++
	return listing.Header{ID: fmt.Sprint("id-", m.ids), Time: m.now, Actor: "alice"}
}

func (m *machine) wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.Int64Range(0, int64(9*listing.Day)).Draw(t, "wait")))
}

// soon is a time around now, to the second, or none.
func (m *machine) soon(t *rapid.T, what string) time.Time {
	hours := rapid.SampledFrom([]int{-30, 0, 0, 1, 100, 2000}).Draw(t, what)
	if hours == 0 {
		return time.Time{}
	}
	return m.now.Truncate(time.Second).Add(time.Duration(hours) * time.Hour)
}

func (m *machine) edit(t *rapid.T) {
	r := listing.Request{Header: m.header(), Keyed: rapid.Bool().Draw(t, "keyed"), DryRun: rapid.IntRange(0, 5).Draw(t, "dry") == 0}
	for range rapid.IntRange(0, 4).Draw(t, "edits") {
		r.Edits = append(r.Edits, m.oneEdit(t))
	}
	r.Intent = listing.IntentOf(r.ID)
	want, wantErr := m.memory.apply(r)
	got, err := m.store.Apply(context.Background(), r)
	m.compare(got, want, err, wantErr)
}

func (m *machine) oneEdit(t *rapid.T) listing.Edit {
	e := listing.Edit{Key: listing.Key{Subject: subjects.Draw(t, "subject"), Reason: reasons.Draw(t, "reason")}}
	e.Op = rapid.SampledFrom([]listing.Op{listing.OpList, listing.OpList, listing.OpList, listing.OpExpire, listing.OpDelist, listing.OpSweep, listing.OpRestore,
		listing.OpAllow, listing.OpDisallow, listing.OpEndSource, listing.OpConfigure, listing.OpDocument}).Draw(t, "op")
	if rapid.IntRange(0, 9).Draw(t, "expects") == 0 {
		e.Expect = new(listing.Revision)
	}
	switch e.Op {
	case listing.OpList, listing.OpExpire:
		e.Until, e.Seen, e.Keep = m.soon(t, "until"), m.soon(t, "seen"), rapid.Bool().Draw(t, "keep")
		e.Life = listing.Lifetime{Base: listing.Life(listing.Day), Longest: listing.Life(30 * listing.Day), Repeat: 2}
		e.Except, e.Companion = rapid.IntRange(0, 4).Draw(t, "except") == 0, listing.Repeat
		e.Origin, e.PublicNote, e.Note, e.Ticket = listing.ByOperator, notes.Draw(t, "public"), notes.Draw(t, "note"), notes.Draw(t, "ticket")
	case listing.OpDelist:
		e.Because = delists.Draw(t, "because")
	case listing.OpSweep:
		switch rapid.IntRange(0, 2).Draw(t, "sweep") {
		case 0:
			e.Source = names.Draw(t, "source")
		case 1:
			e.Subject = e.Key.Subject
		}
	case listing.OpRestore:
		if rapid.Bool().Draw(t, "back") {
			e.Restore = &listing.Entry{Key: e.Key, Since: m.now.Truncate(time.Second), Until: m.soon(t, "until"), Level: 2, Origin: listing.ByThreshold}
		}
	case listing.OpAllow:
		e.Allow = &listing.Allow{Subject: e.Key.Subject, Owner: "bob", Until: m.soon(t, "until"), Note: notes.Draw(t, "note")}
	case listing.OpDisallow:
		e.Subject = e.Key.Subject
	case listing.OpEndSource:
		e.Source, e.Because = names.Draw(t, "source"), listing.OperatorChoice
	case listing.OpConfigure:
		e.Config = notes.Draw(t, "configuration")
	case listing.OpDocument:
		e.Document = &listing.Document{Kind: "ticket", ID: names.Draw(t, "ticket"), Body: []byte(rapid.SampledFrom([]string{"", "{}", `{"a": 1}`}).Draw(t, "body"))}
	}
	return e
}

func (m *machine) importSource(t *rapid.T) {
	r := listing.Request{Header: m.header(), Keyed: true, DryRun: rapid.IntRange(0, 5).Draw(t, "dry") == 0}
	r.Intent = listing.IntentOf(r.ID)
	r.Source = &listing.SourceEdit{Name: names.Draw(t, "source"), Add: rapid.Bool().Draw(t, "add"), Part: rapid.Bool().Draw(t, "part"),
		Until: m.now.Truncate(time.Second).Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "for")) * time.Hour)}
	if rapid.IntRange(0, 3).Draw(t, "expects") == 0 {
		generation := uint64(rapid.IntRange(0, 3).Draw(t, "generation"))
		r.Source.Expect = &generation
	}
	entries := rapid.SliceOfN(rapid.Custom(m.fedEntry), 0, 12).Draw(t, "entries")
	r.Time = m.now.Truncate(time.Second) // since has seconds
	want, wantErr := m.memory.replace(r, entries)
	got, err := m.store.Replace(context.Background(), r, these(entries))
	m.compare(got, want, err, wantErr)
}

// sweep ends what has ended of a source before it.
func (m *machine) sweep(t *rapid.T) {
	r := listing.Request{Header: m.header(), Source: &listing.SourceEdit{Name: names.Draw(t, "source"), Sweep: true}}
	want, wantErr := m.memory.sweep(r)
	got, err := m.store.Replace(context.Background(), r, these(nil))
	m.compare(got, want, err, wantErr)
}

func (m *machine) fedEntry(t *rapid.T) listing.Entry {
	e := listing.Entry{Key: listing.Key{Subject: subjects.Draw(t, "subject"), Reason: reasons.Draw(t, "reason")}}
	if rapid.Bool().Draw(t, "plain") {
		return e
	}
	e.Except, e.Since, e.Until = rapid.IntRange(0, 5).Draw(t, "except") == 0, m.soon(t, "since"), m.soon(t, "until")
	e.PublicNote, e.Note, e.Ticket = notes.Draw(t, "public"), notes.Draw(t, "note"), notes.Draw(t, "ticket")
	return e
}

// repeat sends again what was sent within the time that it is remembered.
func (m *machine) repeat(t *rapid.T) {
	var recent []sent
	for _, s := range m.memory.sent {
		if m.now.Sub(s.request.Time) < 29*listing.Day {
			recent = append(recent, s)
		}
	}
	if len(recent) == 0 {
		t.Skip("nothing was sent")
	}
	s := rapid.SampledFrom(recent).Draw(t, "again")
	want, wantErr := s.verdict, error(nil)
	want.Repeated = true
	if rapid.Bool().Draw(t, "changed") {
		s.request.Intent, want, wantErr = listing.IntentOf("another"), listing.Verdict{}, listing.ErrConflict
	}
	var got listing.Verdict
	var err error
	if s.request.Source != nil {
		got, err = m.store.Replace(context.Background(), s.request, these(s.entries))
	} else {
		got, err = m.store.Apply(context.Background(), s.request)
	}
	m.compare(got, want, err, wantErr)
}

func (m *machine) compare(got, want listing.Verdict, err, wantErr error) {
	m.t.Helper()
	if (err == nil) != (wantErr == nil) {
		m.t.Fatalf("got error %v, want %v", err, wantErr)
	}
	for _, kind := range []error{listing.ErrInvalid, listing.ErrNotFound, listing.ErrPolicy, listing.ErrConflict} {
		if errors.Is(err, kind) != errors.Is(wantErr, kind) {
			m.t.Fatalf("got error %v, want %v", err, wantErr)
		}
	}
	if err == nil {
		same(m.t, "verdict", got, want)
	}
}

// look reads the store in every way and compares.
func (m *machine) look(t *rapid.T) {
	within, all := subjects.Draw(t, "within"), m.memory.all()
	err := m.store.View(context.Background(), func(s listing.Snapshot) error {
		same(t, "revision", s.Revision(), m.memory.head)
		same(t, "all", collect(t, s.Each(listing.Subject{})), all)
		checkServed(t, s)
		same(t, "within", collect(t, s.Each(within)), slices.DeleteFunc(slices.Clone(all), func(e listing.Entry) bool { return !within.Covers(e.Subject) }))
		covering, err := s.Covering(within)
		if err != nil {
			return err
		}
		same(t, "covering", covering, slices.DeleteFunc(slices.Clone(all), func(e listing.Entry) bool { return !e.Subject.Covers(within) }))
		same(t, "history", collect(t, s.History(within)), m.memory.history(within))
		for _, e := range all {
			got, err := s.Get(e.Key)
			if err != nil {
				return err
			}
			same(t, "get", got, e)
		}
		return m.lookBeside(t, s)
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := m.store.Status(context.Background())
	if err != nil || st.Head != m.memory.head || st.Entries != len(m.memory.own) || st.Entries+st.Sourced != len(all) {
		t.Fatalf("status %+v, %v", st, err)
	}
}

// lookBeside reads what is not an entry.
func (m *machine) lookBeside(t *rapid.T, s listing.Snapshot) error {
	allows, err := s.Allows()
	if err != nil {
		return err
	}
	same(t, "allows", allows, sorted(m.memory.allows, func(a, b listing.Allow) int { return a.Subject.Compare(b.Subject) }))
	sources, err := s.Sources()
	if err != nil {
		return err
	}
	same(t, "sources", sources, sorted(m.memory.sources, func(a, b listing.Source) int { return compareText(a.Name, b.Name) }))
	same(t, "documents", collect(t, s.Documents("ticket")), sorted(m.memory.papers, func(a, b listing.Document) int { return compareText(a.ID, b.ID) }))
	same(t, "configuration", s.Config(), m.memory.config)
	k := listing.Key{Subject: subjects.Draw(t, "subject"), Reason: reasons.Draw(t, "reason")}
	past, err := s.Past(k)
	same(t, "past", past, m.memory.pasts[k])
	if err != nil {
		return err
	}
	if _, listed := m.memory.own[k]; !listed {
		if _, err := s.Get(k); !errors.Is(err, listing.ErrNotFound) {
			t.Fatalf("got %v for what is not listed", err)
		}
	}
	return nil
}

func compareText(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func sorted[K comparable, V any](m map[K]V, compare func(a, b V) int) (all []V) {
	for _, v := range m {
		all = append(all, v)
	}
	slices.SortFunc(all, compare)
	return all
}

// changes follows the store from some revision on.
func (m *machine) changes(t *rapid.T) {
	after := listing.Revision(rapid.IntRange(0, int(m.memory.head)).Draw(t, "after"))
	want := slices.DeleteFunc(slices.Clone(m.memory.log), func(c listing.Change) bool { return c.Revision <= after })
	if len(want) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var got []listing.Change
	for c, err := range m.store.Changes(ctx, after) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
		if c.Last && c.Revision == m.memory.head {
			break
		}
	}
	if after == 0 {
		same(t, "what the changes make", replay(t, got), m.memory.all())
	}
	var own []listing.Change
	for c, err := range m.store.OwnChanges(ctx, after) {
		if err != nil {
			t.Fatal(err)
		}
		if own = append(own, c); c.Last && c.Revision == m.memory.head {
			break
		}
	}
	if packed, ok := m.store.(listing.PackedChanges); ok {
		same(t, "entries that came, in blocks", m.came(ctx, t, packed.ChangesInBlocks, after), m.came(ctx, t, m.store.Changes, after))
	}
	same(t, "own changes", own, ownOf(want))
	same(t, "changes", ordered(got), ordered(want))
}

// came are the entries that came after a revision, or were altered.
func (m *machine) came(ctx context.Context, t *rapid.T, changes func(context.Context, listing.Revision) iter.Seq2[listing.Change, error],
	after listing.Revision,
) (all []listing.Served) {
	for c, err := range changes(ctx, after) {
		switch {
		case err != nil:
			t.Fatal(err)
		case c.Added != nil:
			for n := range c.Added.Len() {
				all = append(all, c.Added.Served(n))
			}
		case c.After != nil:
			all = append(all, c.After.Served())
		}
		if c.Last && c.Revision == m.memory.head {
			break
		}
	}
	return all
}

// ownOf is what is left of changes without those of the entries of sources.
func ownOf(changes []listing.Change) (own []listing.Change) {
	for _, c := range changes {
		switch {
		case c.Kind != listing.EntryChange || keyOf(c).Source == "":
			own = append(own, c)
		case c.Last:
			own[len(own)-1].Last = true
		}
	}
	return own
}

// ordered puts the entries of each import in order of key, which no engine
// promises, and takes Last from where it was to where that is.
func ordered(changes []listing.Change) []listing.Change {
	for n := 0; n < len(changes); {
		end := n
		for end < len(changes) && changes[end].Revision == changes[n].Revision {
			end++
		}
		of := changes[n:end]
		if from := slices.IndexFunc(of, func(c listing.Change) bool { return c.Kind == listing.EntryChange && keyOf(c).Source != "" }); from >= 0 && of[len(of)-1].Last {
			of[len(of)-1].Last = false
			sortChanges(of[from:])
			of[len(of)-1].Last = true
		}
		n = end
	}
	return changes
}
