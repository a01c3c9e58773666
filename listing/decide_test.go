package listing

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// memory is a State that remembers what was decided, for tests of deciding.
type memory struct {
	head      Revision
	entries   map[Key]Entry
	pasts     map[Key]Past
	allows    map[Subject]Allow
	sources   map[string]Source
	config    string
	documents map[[2]string]Document
}

func newMemory() *memory {
	return &memory{entries: map[Key]Entry{}, pasts: map[Key]Past{}, allows: map[Subject]Allow{}, sources: map[string]Source{},
		documents: map[[2]string]Document{}}
}

func (m *memory) Head() Revision { return m.head }
func (m *memory) Config() string { return m.config }

func (m *memory) At(s Subject) ([]Entry, error) {
	var at []Entry
	for code := range 256 {
		if e, ok := m.entries[Key{Subject: s, Reason: Reason(code)}]; ok {
			at = append(at, e)
		}
	}
	return at, nil
}

func (m *memory) Past(k Key) (Past, error)              { return m.pasts[k], nil }
func (m *memory) Allow(s Subject) (Allow, bool, error)  { a, ok := m.allows[s]; return a, ok, nil }
func (m *memory) Source(n string) (Source, bool, error) { s, ok := m.sources[n]; return s, ok, nil }
func (m *memory) Document(kind, id string) (Document, bool, error) {
	d, ok := m.documents[[2]string{kind, id}]
	return d, ok, nil
}
func (m *memory) entry(t *testing.T, prefix string, r Reason) (Entry, bool) {
	t.Helper()
	e, ok := m.entries[Key{Subject: subject(t, prefix), Reason: r}]
	return e, ok
}

// decide decides edits and remembers the outcome.
func (m *memory) decide(t *testing.T, now time.Time, edits ...Edit) (Verdict, error) {
	t.Helper()
	v, err := Decide(m, Request{Header: Header{ID: "test", Time: now, Actor: "alice"}, Edits: edits})
	if err == nil {
		m.remember(t, v)
	}
	return v, err
}

func (m *memory) remember(t *testing.T, v Verdict) {
	t.Helper()
	for n, c := range v.Changes {
		if c.Revision != m.head+1 || c.Last != (n == len(v.Changes)-1) {
			t.Fatalf("change %d: revision %d last %v after head %d", n, c.Revision, c.Last, m.head)
		}
		if past, ok := c.PastAfter(); ok {
			m.pasts[c.Before.Key] = past
		}
		switch {
		case c.Kind == EntryChange && c.After != nil:
			m.entries[c.After.Key] = *c.After
		case c.Kind == EntryChange:
			delete(m.entries, c.Before.Key)
		case c.Kind == AllowChange && c.AllowAfter != nil:
			m.allows[c.AllowAfter.Subject] = *c.AllowAfter
		case c.Kind == AllowChange:
			delete(m.allows, c.AllowBefore.Subject)
		case c.Kind == SourceChange && c.SourceAfter != nil:
			m.sources[c.SourceAfter.Name] = *c.SourceAfter
		case c.Kind == SourceChange:
			delete(m.sources, c.SourceBefore.Name)
		case c.Kind == DocumentChange && c.DocumentAfter != nil:
			m.documents[[2]string{c.DocumentAfter.Kind, c.DocumentAfter.ID}] = *c.DocumentAfter
		case c.Kind == DocumentChange:
			delete(m.documents, [2]string{c.DocumentBefore.Kind, c.DocumentBefore.ID})
		case c.Kind == ConfigChange:
			m.config = c.Config
		}
	}
	m.head = v.Revision
}

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func day(n float64) time.Time { return start.Add(time.Duration(n * float64(Day))) }

// listEdit is an add by hand of a reason with base 3 d and factor 2.
func listEdit(t *testing.T, prefix string) Edit {
	t.Helper()
	return Edit{Op: OpList, Key: Key{Subject: subject(t, prefix), Reason: BareIP}, Keep: true, Origin: ByOperator, Companion: Repeat,
		Life: Lifetime{Base: Life(3 * Day), Longest: Life(90 * Day), Repeat: 2}}
}

func delistEdit(t *testing.T, prefix string, because DelistReason) Edit {
	t.Helper()
	return Edit{Op: OpDelist, Key: Key{Subject: subject(t, prefix), Reason: BareIP}, Because: because}
}

func mustDecide(t *testing.T, m *memory, now time.Time, edits ...Edit) Verdict {
	t.Helper()
	v, err := m.decide(t, now, edits...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestListAndListAgain(t *testing.T) {
	m := newMemory()
	v := mustDecide(t, m, day(0), listEdit(t, "192.0.2.7"))
	e, ok := m.entry(t, "192.0.2.7", BareIP)
	if !ok || !v.Changed() || e.Level != 1 || !e.Until.Equal(day(3)) || e.Actor != "alice" || e.Revision != 1 {
		t.Fatalf("listed: %+v", e)
	}
	if v := mustDecide(t, m, day(1), listEdit(t, "192.0.2.7")); v.Changed() || v.Revision != 1 || len(v.Entries) != 1 {
		t.Errorf("an identical listing changed something: %+v", v)
	}
}

func TestExtensionIsByMax(t *testing.T) {
	m := newMemory()
	mustDecide(t, m, day(0), listEdit(t, "192.0.2.7"))
	seen := listEdit(t, "192.0.2.7")
	seen.Keep, seen.Seen = false, day(-1)
	if mustDecide(t, m, day(1), seen).Changed() {
		t.Error("an earlier session moved the end")
	}
	seen.Seen = day(1)
	mustDecide(t, m, day(1), seen)
	if e, _ := m.entry(t, "192.0.2.7", BareIP); !e.Until.Equal(day(4)) || e.Level != 1 || !e.Since.Equal(day(0)) {
		t.Errorf("extended: %+v", e)
	}
	slack := listEdit(t, "192.0.2.7")
	slack.Keep, slack.Life.Slack = false, Life(time.Hour)
	if mustDecide(t, m, day(1).Add(30*time.Minute), slack).Changed() {
		t.Error("an extension within the slack is none")
	}
}

func TestLevels(t *testing.T) {
	m := newMemory()
	relist := func(at float64, level int, until float64) {
		t.Helper()
		mustDecide(t, m, day(at), listEdit(t, "192.0.2.7"))
		e, _ := m.entry(t, "192.0.2.7", BareIP)
		if e.Level != level || !e.Until.Equal(day(until)) {
			t.Errorf("day %v: level %d until %v, want level %d until %v", at, e.Level, e.Until, level, day(until))
		}
	}
	relist(0, 1, 3)
	mustDecide(t, m, day(1), delistEdit(t, "192.0.2.7", FixedClaimed))
	relist(2, 2, 8)  // within 90 days of the end: one more
	relist(9, 3, 21) // expired on day 8, not yet swept
	mustDecide(t, m, day(10), delistEdit(t, "192.0.2.7", OurError))
	relist(11, 3, 23) // an error never raises the level
	mustDecide(t, m, day(12), delistEdit(t, "192.0.2.7", OperatorChoice))
	relist(12+100, 2, 118) // a level lost for 90 clean days, and none gained
	mustDecide(t, m, day(113), delistEdit(t, "192.0.2.7", OperatorChoice))
	relist(113+500, 1, 616) // never under one
}

func TestRepeatOffenderIsListedAsSuch(t *testing.T) {
	m := newMemory()
	m.pasts[Key{Subject: subject(t, "192.0.2.7"), Reason: BareIP}] = Past{Level: 2, Ended: day(-1)}
	mustDecide(t, m, day(0), listEdit(t, "192.0.2.7"))
	main, _ := m.entry(t, "192.0.2.7", BareIP)
	companion, ok := m.entry(t, "192.0.2.7", Repeat)
	if !ok || !companion.Until.Equal(main.Until) {
		t.Fatalf("companion: %+v", companion)
	}
	also := Edit{Op: OpDelist, Key: companion.Key, Expect: &companion.Revision, Because: FixedVerified}
	mustDecide(t, m, day(1), delistEdit(t, "192.0.2.7", FixedVerified), also)
	if len(m.entries) != 0 {
		t.Errorf("the companion stands alone: %+v", m.entries)
	}
}

func TestExceptions(t *testing.T) {
	m := newMemory()
	except := listEdit(t, "192.0.2.7")
	except.Except, except.Life = true, Lifetime{Base: Life(90 * Day), Longest: Life(90 * Day), Repeat: 1}
	mustDecide(t, m, day(0), except)
	if e, _ := m.entry(t, "192.0.2.7", BareIP); !e.Except || !e.Until.Equal(day(90)) {
		t.Fatalf("exception: %+v", e)
	}
	mustDecide(t, m, day(1), listEdit(t, "192.0.2.7"))
	if e, _ := m.entry(t, "192.0.2.7", BareIP); e.Except || e.Level != 1 {
		t.Errorf("a new listing takes the place of an exception: %+v", e)
	}
	if _, err := m.decide(t, day(1), except); !errors.Is(err, ErrConflict) {
		t.Errorf("an exception silently ended a listing: %v", err)
	}
}

func TestExpire(t *testing.T) {
	m := newMemory()
	mustDecide(t, m, day(0), listEdit(t, "192.0.2.7"))
	expire := Edit{Op: OpExpire, Key: Key{Subject: subject(t, "192.0.2.7"), Reason: BareIP}, Until: day(2)}
	mustDecide(t, m, day(1), expire)
	if e, _ := m.entry(t, "192.0.2.7", BareIP); !e.Until.Equal(day(2)) {
		t.Errorf("until %v", e.Until)
	}
	if mustDecide(t, m, day(1), expire).Changed() {
		t.Error("the same end changed something")
	}
	expire.Until = day(1)
	if v := mustDecide(t, m, day(1), expire); len(m.entries) != 0 || v.Changes[0].Because != Expired {
		t.Errorf("an end that has come did not end it: %+v", v)
	}
	if _, err := m.decide(t, day(1), expire); !errors.Is(err, ErrNotFound) {
		t.Errorf("expiring what is not listed: %v", err)
	}
}

func TestExpectations(t *testing.T) {
	m := newMemory()
	none, first := Revision(0), Revision(1)
	edit := listEdit(t, "192.0.2.7")
	edit.Expect = &first
	if _, err := m.decide(t, day(0), edit); !errors.Is(err, ErrConflict) {
		t.Errorf("expected an entry where there is none: %v", err)
	}
	edit.Expect = &none
	mustDecide(t, m, day(0), edit)
	if _, err := m.decide(t, day(0), edit); !errors.Is(err, ErrConflict) {
		t.Errorf("expected none where there is one: %v", err)
	}
	edit.Expect = &first
	mustDecide(t, m, day(0), edit)
}

func TestAllOrNothing(t *testing.T) {
	m := newMemory()
	missing := Edit{Op: OpExpire, Key: Key{Subject: subject(t, "192.0.2.8"), Reason: BareIP}, Until: day(2)}
	if _, err := m.decide(t, day(0), listEdit(t, "192.0.2.7"), missing); err == nil || len(m.entries) != 0 || m.head != 0 {
		t.Errorf("a request was done in part: %v", err)
	}
	v := mustDecide(t, m, day(0), listEdit(t, "192.0.2.7"), delistEdit(t, "192.0.2.7", Test))
	if len(m.entries) != 0 || len(v.Changes) != 2 {
		t.Errorf("a later edit did not see an earlier one: %+v", v)
	}
}

func TestSweepEndsOnlyWhatIsDue(t *testing.T) {
	m := newMemory()
	mustDecide(t, m, day(0), listEdit(t, "192.0.2.7"))
	m.sources["feed"] = Source{Name: "feed", Until: day(5)}
	m.allows[subject(t, "192.0.2.9")] = Allow{Subject: subject(t, "192.0.2.9"), Until: day(5)}
	sweep := []Edit{
		{Op: OpSweep, Key: Key{Subject: subject(t, "192.0.2.7"), Reason: BareIP}},
		{Op: OpSweep, Source: "feed"}, {Op: OpSweep, Subject: subject(t, "192.0.2.9")},
	}
	if mustDecide(t, m, day(2), sweep...).Changed() {
		t.Error("swept before its time")
	}
	v := mustDecide(t, m, day(5), sweep...)
	if len(v.Changes) != 3 || v.Changes[0].Because != Expired || len(m.sources)+len(m.allows)+len(m.entries) != 0 {
		t.Errorf("swept: %+v", v.Changes)
	}
	if past := m.pasts[sweep[0].Key]; !past.Ended.Equal(day(3)) {
		t.Errorf("it ended on %v, not when it was swept", past.Ended)
	}
}

func TestAllow(t *testing.T) {
	m := newMemory()
	edit := Edit{Op: OpAllow, Allow: &Allow{Subject: subject(t, "192.0.2.0/24"), Owner: "noc", Note: "partner"}}
	mustDecide(t, m, day(0), edit)
	if mustDecide(t, m, day(1), edit).Changed() {
		t.Error("an identical allow entry changed something")
	}
	edit.Allow.Until = day(9)
	mustDecide(t, m, day(1), edit)
	if a := m.allows[edit.Allow.Subject]; !a.Until.Equal(day(9)) || !a.Since.Equal(day(0)) || a.Actor != "alice" {
		t.Errorf("allow: %+v", a)
	}
	mustDecide(t, m, day(1), Edit{Op: OpDisallow, Subject: edit.Allow.Subject})
	if mustDecide(t, m, day(1), Edit{Op: OpDisallow, Subject: edit.Allow.Subject}).Changed() {
		t.Error("removing what is not there changed something")
	}
}

func TestDocuments(t *testing.T) {
	m := newMemory()
	none := Revision(0)
	write := func(body string) Edit {
		return Edit{Op: OpDocument, Document: &Document{Kind: "ticket", ID: "t1", Body: json.RawMessage(body)}}
	}
	first := write(`{"state":"new"}`)
	first.Expect = &none
	mustDecide(t, m, day(0), first)
	if mustDecide(t, m, day(0), write(`{"state":"new"}`)).Changed() {
		t.Error("the same body changed something")
	}
	if _, err := m.decide(t, day(0), first); !errors.Is(err, ErrConflict) {
		t.Errorf("written over what was not expected: %v", err)
	}
	v := mustDecide(t, m, day(0), write(`{"state":"closed"}`), write(""))
	if len(v.Changes) != 2 || len(m.documents) != 0 {
		t.Errorf("changed and removed: %+v", v.Changes)
	}
}

func TestDecideSource(t *testing.T) {
	m := newMemory()
	generation := func(n uint64) *uint64 { return &n }
	importing := func(now time.Time, s SourceEdit, diff Diff) error {
		s.Name, s.Until = "feed", now.Add(7*Day)
		v, err := DecideSource(m, Request{Header: Header{ID: "i", Time: now, Actor: "alice"}, Source: &s}, diff)
		if err == nil {
			m.remember(t, v)
		}
		return err
	}
	if err := importing(day(0), SourceEdit{Expect: generation(0)}, Diff{Added: 1000}); err != nil {
		t.Fatal(err)
	}
	if err := importing(day(1), SourceEdit{Expect: generation(1)}, Diff{Kept: 1000}); err != nil {
		t.Fatal(err)
	}
	if s := m.sources["feed"]; s.Generation != 1 || s.Entries != 1000 || !s.Refreshed.Equal(day(1)) || !s.Until.Equal(day(8)) || m.head != 2 {
		t.Errorf("refreshed: %+v", s)
	}
	for name, try := range map[string]struct {
		edit SourceEdit
		diff Diff
		want error
	}{
		"another generation":       {SourceEdit{Expect: generation(7)}, Diff{Kept: 1000}, ErrConflict},
		"more changes than it may": {SourceEdit{MaxChanges: 10}, Diff{Added: 6, Removed: 5}, ErrPolicy},
		"suddenly small":           {SourceEdit{MaxRemoved: 0.5}, Diff{Removed: 501, Kept: 499}, ErrPolicy},
	} {
		if err := importing(day(2), try.edit, try.diff); !errors.Is(err, try.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := importing(day(9), SourceEdit{Expect: generation(0)}, Diff{Added: 5}); err != nil {
		t.Fatalf("after its end a source starts again: %v", err)
	}
	if s := m.sources["feed"]; s.Generation != 1 || s.Entries != 5 {
		t.Errorf("begun again: %+v", s)
	}
}

func TestEvidenceIsHeldByDigest(t *testing.T) {
	m := newMemory()
	edit := listEdit(t, "192.0.2.7")
	edit.Evidence = newEvidence(Sample{Time: day(0), HELO: "secret.example"})
	mustDecide(t, m, day(0), edit)
	if e, _ := m.entry(t, "192.0.2.7", BareIP); e.Evidence != edit.Evidence.Sum() {
		t.Error("the entry does not name its evidence")
	}
	r := Request{Header: Header{ID: "x", Time: day(0), Actor: "alice"}, Edits: []Edit{edit}}
	raw, err := r.Canonical()
	if err != nil || strings.Contains(string(raw), "secret") || !strings.Contains(string(raw), edit.Evidence.Sum().String()) {
		t.Errorf("canonical: %s, %v", raw, err)
	}
	if newEvidence(edit.Evidence.Samples...).Sum() == edit.Evidence.Sum() {
		t.Error("the digest is not salted")
	}
	held := Evidence{Digest: edit.Evidence.Sum()}
	if held.Sum() != edit.Evidence.Sum() {
		t.Error("evidence kept apart has another digest")
	}
}

func TestRequestLimits(t *testing.T) {
	r := Request{Header: Header{ID: "x", Time: start, Actor: "alice"}, Edits: make([]Edit, MaxEdits+1)}
	if err := r.Validate(); !errors.Is(err, ErrInvalid) {
		t.Errorf("too many edits: %v", err)
	}
	for end, fits := range map[string]bool{"2106-02-07T06:28:14Z": true, "2106-02-07T06:28:15Z": false, "2200-01-01T00:00:00Z": false} {
		at, err := time.Parse(time.RFC3339, end)
		if err != nil {
			t.Fatal(err)
		}
		for _, r.Edits = range [][]Edit{{{Op: OpList, Until: at}}, {{Op: OpAllow, Allow: &Allow{Until: at}}}} {
			if err := r.Validate(); (err == nil) != fits || (err != nil && !errors.Is(err, ErrInvalid)) {
				t.Errorf("an end at %s: %v", end, err)
			}
		}
		r.Edits, r.Source = nil, &SourceEdit{Until: at}
		if err := r.Validate(); (err == nil) != fits {
			t.Errorf("a source until %s: %v", end, err)
		}
		r.Source = nil
	}
	r.Edits = []Edit{{Op: OpList, Note: strings.Repeat("x", MaxRequestBytes)}}
	if _, err := r.Canonical(); !errors.Is(err, ErrInvalid) {
		t.Errorf("too many bytes: %v", err)
	}
	for _, bad := range []Header{{Time: start, Actor: "a"}, {ID: "x", Actor: "a"}, {ID: "x", Time: start}} {
		if _, err := Decide(newMemory(), Request{Header: bad}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
