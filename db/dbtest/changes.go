package dbtest

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"dnsbld/listing"
)

// compareKeys is the order of keys: by subject, reason, source.
func compareKeys(a, b listing.Key) int {
	switch {
	case a.Subject != b.Subject:
		return a.Subject.Compare(b.Subject)
	case a.Reason != b.Reason:
		return int(a.Reason) - int(b.Reason)
	case a.Source < b.Source:
		return -1
	}
	return 1
}

// replay makes the entries that changes lead to.
func replay(t tester, changes []listing.Change) []listing.Entry {
	t.Helper()
	own, sources := map[listing.Key]listing.Entry{}, map[string]map[listing.Key]listing.Entry{}
	objects := map[string]listing.Source{}
	for _, c := range changes {
		switch {
		case c.Kind == listing.SourceChange && c.SourceAfter == nil:
			delete(sources, c.SourceBefore.Name)
			delete(objects, c.SourceBefore.Name)
		case c.Kind == listing.SourceChange:
			objects[c.SourceAfter.Name] = *c.SourceAfter
			if c.SourceBefore == nil {
				sources[c.SourceAfter.Name] = map[listing.Key]listing.Entry{}
			}
		case c.Kind == listing.EntryChange:
			replayEntry(t, own, sources, &c)
		}
	}
	var all []listing.Entry
	for _, e := range own {
		all = append(all, e)
	}
	for name, entries := range sources {
		for _, e := range entries {
			e.Revision, e.Actor = objects[name].Revision, objects[name].Actor
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b listing.Entry) int { return compareKeys(a.Key, b.Key) })
	return all
}

func replayEntry(t tester, own map[listing.Key]listing.Entry, sources map[string]map[listing.Key]listing.Entry, c *listing.Change) {
	t.Helper()
	e := c.After
	if e == nil {
		e = c.Before
	}
	into := own
	if e.Source != "" {
		into = sources[e.Source]
	}
	if _, there := into[e.Key]; there != (c.Before != nil) {
		t.Fatalf("change %s of an entry that is there: %v", text(c), there)
	}
	if c.After == nil {
		delete(into, e.Key)
		return
	}
	into[e.Key] = *c.After
}

func changesWait(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.1"))
	got := make(chan listing.Change)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for c, err := range b.Changes(ctx, 0) {
			if err != nil {
				ended <- err
				return
			}
			got <- c
		}
		ended <- nil
	}()
	next := func() listing.Change {
		select {
		case c := <-got:
			return c
		case <-time.After(time.Minute):
			t.Fatal("no change came")
			return listing.Change{}
		}
	}
	if c := next(); c.Revision != 1 || !c.Last || c.Header.Actor != "alice" || c.After.Subject != subject("192.0.2.1") {
		t.Errorf("first: %s", text(c))
	}
	for n := listing.Revision(2); n < 20; n++ {
		if n%2 == 0 {
			b.apply(delist("192.0.2.1"))
		} else {
			b.apply(list("192.0.2.1"))
		}
		if c := next(); c.Revision != n || !c.Last {
			t.Errorf("revision %d: %s", n, text(c))
		}
	}
	cancel()
	select {
	case err := <-ended:
		wantKind(t, err, context.Canceled)
	case <-time.After(time.Minute):
		t.Fatal("it went on after its context was done")
	}
}

// Many entries come in many pieces, and Last is on the last of all.
func changesLast(t *testing.T, b *fixture) {
	const hosts, others = 7000, 9000
	var entries []listing.Entry
	for n := range hosts {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0xC6120000+uint32(n)*37) // 198.18.0.0/15 and on
		entries = append(entries, listing.Entry{Key: listing.Key{Subject: listing.HostSubject(netip.AddrFrom4(a)), Reason: listing.Imported}})
	}
	for n := range others {
		a := netip.MustParseAddr("2001:db8::").As16()
		binary.BigEndian.PutUint32(a[12:], uint32(n))
		entries = append(entries, listing.Entry{Key: listing.Key{Subject: listing.HostSubject(netip.AddrFrom16(a)), Reason: listing.Imported}})
	}
	b.replace(b.importing("feed"), entries...)
	for n := range entries {
		entries[n].Note = "altered"
	}
	v := b.replace(b.importing("feed"), entries[:hosts+others/2]...)
	if v.Altered != hosts+others/2 || v.Removed != others/2 {
		t.Fatalf("verdict %+v", v)
	}
	b.apply(list("192.0.2.1"))
	changes := b.upTo(0, 3)
	same(t, "what the changes make", replay(t, changes), b.all())
	if want := 1 + hosts + others + 1 + hosts + others + 1; len(changes) != want {
		t.Fatalf("%d changes, want %d", len(changes), want)
	}
	for n, c := range changes {
		if c.Last != (n == len(changes)-1 || changes[n+1].Revision != c.Revision) {
			t.Fatalf("last of change %d is %v", n, c.Last)
		}
		if first := n == 0 || changes[n-1].Revision != c.Revision; first && c.Revision < 3 && c.Kind != listing.SourceChange {
			t.Fatalf("revision %d begins with %s", c.Revision, c.Kind)
		}
	}
	same(t, "changes after the first import", b.upTo(1, 3), changes[1+hosts+others:])
}

func changesEnd(t *testing.T, b *fixture) {
	const readers = 4
	ended := make(chan error, readers)
	for range readers {
		go func() {
			for _, err := range b.Changes(context.Background(), 0) {
				if err != nil {
					ended <- err
					return
				}
			}
			ended <- nil
		}()
	}
	b.apply(list("192.0.2.1"))
	store := b.Store
	b.reopen()
	for range readers {
		select {
		case err := <-ended:
			wantKind(t, err, listing.ErrUnavailable)
		case <-time.After(time.Minute):
			t.Fatal("it went on after the store was closed")
		}
	}
	for _, err := range store.Changes(t.Context(), 0) {
		wantKind(t, err, listing.ErrUnavailable)
	}
}

func changesAhead(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.1"))
	n := 0
	for _, err := range b.Changes(t.Context(), 2) {
		wantKind(t, err, listing.ErrCompacted)
		n++
	}
	if n != 1 {
		t.Errorf("%d times", n)
	}
}

func closed(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.1"))
	store := b.Store
	b.reopen()
	ctx := t.Context()
	_, applied := store.Apply(ctx, b.request(list("192.0.2.2")))
	_, replaced := store.Replace(ctx, b.importing("feed"), these(nil))
	viewed := store.View(ctx, func(listing.Snapshot) error { return nil })
	_, status := store.Status(ctx)
	for what, err := range map[string]error{"apply": applied, "replace": replaced, "view": viewed, "status": status, "sync": store.Sync(ctx)} {
		if !errors.Is(err, listing.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := store.Close(); err != nil {
		t.Error("closing again:", err)
	}
	if err := b.Sync(ctx); err != nil {
		t.Error("sync of an open store:", err)
	}
}
