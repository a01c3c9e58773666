package dbtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"dnsbld/listing"
)

// fixture is a store under test and a clock.
type fixture struct {
	listing.Store
	t    testing.TB
	open Open
	dir  string
	now  time.Time
	ids  int
}

func newFixture(t testing.TB, open Open) *fixture {
	b := &fixture{t: t, open: open, dir: t.TempDir(), now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	b.Store = open(t, b.dir)
	t.Cleanup(func() {
		if err := b.Store.Close(); err != nil {
			t.Error("closing:", err)
		}
	})
	return b
}

func (b *fixture) reopen() {
	b.t.Helper()
	if err := b.Store.Close(); err != nil {
		b.t.Fatal("closing:", err)
	}
	b.Store = b.open(b.t, b.dir)
}

func subject(text string) listing.Subject {
	s, err := listing.ParseSubject(text)
	if err != nil {
		panic(err) // a mistake in the test
	}
	return s
}

func key(text string, reason listing.Reason) listing.Key {
	return listing.Key{Subject: subject(text), Reason: reason}
}

// list is an edit that lists a subject for three days.
func list(text string) listing.Edit {
	return listing.Edit{Op: listing.OpList, Key: key(text, listing.BareIP), Keep: true, Origin: listing.ByOperator,
		Life: listing.Lifetime{Base: listing.Life(3 * listing.Day), Longest: listing.Life(90 * listing.Day), Repeat: 2}}
}

func delist(text string) listing.Edit {
	return listing.Edit{Op: listing.OpDelist, Key: key(text, listing.BareIP), Because: listing.FixedVerified}
}

func (b *fixture) request(edits ...listing.Edit) listing.Request {
	b.ids++
	return listing.Request{Header: listing.Header{ID: fmt.Sprintf("request-%d", b.ids), Time: b.now, Actor: "alice", Note: "a note"}, Edits: edits}
}

func (b *fixture) apply(edits ...listing.Edit) listing.Verdict {
	b.t.Helper()
	v, err := b.Apply(b.t.Context(), b.request(edits...))
	if err != nil {
		b.t.Fatal("apply:", err)
	}
	return v
}

func (b *fixture) importing(name string) listing.Request {
	r := b.request()
	r.Source = &listing.SourceEdit{Name: name, Until: b.now.Add(7 * listing.Day)}
	return r
}

func (b *fixture) replace(r listing.Request, entries ...listing.Entry) listing.Verdict {
	b.t.Helper()
	v, err := b.Replace(b.t.Context(), r, these(entries))
	if err != nil {
		b.t.Fatal("replace:", err)
	}
	return v
}

func these(entries []listing.Entry) iter.Seq2[listing.Entry, error] {
	return func(yield func(listing.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func fed(text string) listing.Entry {
	return listing.Entry{Key: key(text, listing.Imported)}
}

func (b *fixture) view(f func(listing.Snapshot)) {
	b.t.Helper()
	err := b.View(b.t.Context(), func(s listing.Snapshot) error { f(s); return nil })
	if err != nil {
		b.t.Fatal("view:", err)
	}
}

func (b *fixture) status() listing.Status {
	b.t.Helper()
	st, err := b.Status(b.t.Context())
	if err != nil {
		b.t.Fatal("status:", err)
	}
	st.Bytes, st.Free = 0, 0
	return st
}

// unchanged fails the test if f changes the list.
func (b *fixture) unchanged(f func()) {
	b.t.Helper()
	before, listed := b.status(), b.all()
	f()
	same(b.t, "status", b.status(), before)
	same(b.t, "entries", b.all(), listed)
}

func (b *fixture) all() (all []listing.Entry) {
	b.t.Helper()
	b.view(func(s listing.Snapshot) { all = collect(b.t, s.Each(listing.Subject{})) })
	return all
}

func collect[T any](t tester, seq iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// upTo collects the changes after a revision, to the end of another.
func (b *fixture) upTo(after, head listing.Revision) (all []listing.Change) {
	b.t.Helper()
	if after >= head {
		return nil
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	for c, err := range b.Changes(ctx, after) {
		if err != nil {
			b.t.Fatal("changes:", err)
		}
		all = append(all, c)
		if c.Last && c.Revision >= head {
			return all
		}
	}
	b.t.Fatal("changes ended by themselves")
	return nil
}

// same compares by what JSON says, in which equal instants are equal.
func same(t tester, what string, got, want any) {
	t.Helper()
	if g, w := text(got), text(want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v (%v)", v, err)
	}
	if string(raw) == "null" {
		return "[]"
	}
	return string(raw)
}

func wantKind(t testing.TB, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got error %v, want one of kind %v", err, kind)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var refused *listing.Error
	if !errors.As(err, &refused) || refused.Code != code {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}

// tester is what tests and properties have in common.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}
