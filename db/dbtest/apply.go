package dbtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"dnsbld/listing"
)

func applyAllOrNone(t *testing.T, b *fixture) {
	v := b.apply(list("192.0.2.1"), list("192.0.2.2"), list("2001:db8::1"))
	if len(v.Changes) != 3 || len(v.Entries) != 3 || v.Revision != 1 || !v.Changes[2].Last || v.Changes[0].Last {
		t.Fatalf("three listings: %+v", v)
	}
	b.unchanged(func() {
		wrong := list("192.0.2.1")
		wrong.Expect = new(listing.Revision)
		_, err := b.Apply(t.Context(), b.request(delist("192.0.2.2"), list("192.0.2.3"), wrong))
		wantKind(t, err, listing.ErrConflict)
	})
	if st := b.status(); st.Head != 1 || st.Entries != 3 {
		t.Errorf("status %+v", st)
	}
}

func applyInvalid(t *testing.T, b *fixture) {
	mapped := listing.Subject{Prefix: netip.MustParsePrefix("::ffff:192.0.2.1/128")}
	masked := listing.Subject{Prefix: netip.MustParsePrefix("192.0.2.1/24")}
	edit := func(change func(*listing.Edit)) listing.Request {
		e := list("192.0.2.1")
		change(&e)
		return b.request(list("192.0.2.9"), e)
	}
	many := make([]listing.Edit, listing.MaxEdits+1)
	long := list("192.0.2.1")
	long.Note = string(make([]byte, listing.MaxRequestBytes))
	for name, r := range map[string]listing.Request{
		"no id":            {Header: listing.Header{Time: b.now, Actor: "alice"}},
		"no time":          {Header: listing.Header{ID: "x", Actor: "alice"}},
		"no actor":         {Header: listing.Header{ID: "x", Time: b.now}},
		"too many edits":   b.request(many...),
		"too long":         b.request(long),
		"no operation":     edit(func(e *listing.Edit) { e.Op = "" }),
		"no subject":       edit(func(e *listing.Edit) { e.Key.Subject = listing.Subject{} }),
		"mapped subject":   edit(func(e *listing.Edit) { e.Key.Subject = mapped }),
		"unmasked subject": edit(func(e *listing.Edit) { e.Key.Subject = masked }),
		"a source's entry": edit(func(e *listing.Edit) { e.Key.Source = "feed" }),
		"a time too far":   edit(func(e *listing.Edit) { e.Until = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }),
		"nothing to allow": edit(func(e *listing.Edit) { e.Op = listing.OpAllow }),
		"no document":      edit(func(e *listing.Edit) { e.Op = listing.OpDocument }),
		"a source beside":  {Header: listing.Header{ID: "x", Time: b.now, Actor: "alice"}, Source: &listing.SourceEdit{Name: "feed", Until: b.now.Add(1)}},
	} {
		b.unchanged(func() {
			if _, err := b.Apply(t.Context(), r); !errors.Is(err, listing.ErrInvalid) {
				t.Errorf("%s: got %v, want ErrInvalid", name, err)
			}
		})
	}
}

func applyOnce(t *testing.T, b *fixture) {
	r := b.request(list("192.0.2.1"), list("192.0.2.2"))
	r.Intent = listing.IntentOf("list two")
	first, err := b.Apply(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	b.apply(delist("192.0.2.1"))
	for range 2 {
		b.unchanged(func() {
			again := r
			again.Time = again.Time.Add(time.Hour) // planned anew, from the same command
			again.Edits = again.Edits[:1]
			v, err := b.Apply(t.Context(), again)
			if err != nil || !v.Repeated {
				t.Fatalf("repeated: %+v, %v", v, err)
			}
			v.Repeated = false
			same(t, "verdict of then", v, first)
		})
		b.view(func(s listing.Snapshot) {
			v, known, err := s.Decided(r.ID)
			if err != nil || !known {
				t.Fatalf("decided: %v, %v", known, err)
			}
			v.Repeated = false
			same(t, "decided", v, first)
			if _, known, _ := s.Decided("never sent"); known {
				t.Error("a request that was never sent is known")
			}
		})
		b.reopen()
	}
	b.unchanged(func() {
		r.Intent = listing.IntentOf("list others")
		_, err := b.Apply(t.Context(), r)
		wantKind(t, err, listing.ErrConflict)
		wantCode(t, err, "id-used")
	})
}

func applyNothing(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.1"))
	again := b.request(list("192.0.2.1"))
	b.unchanged(func() {
		v, err := b.Apply(t.Context(), again)
		if err != nil || v.Changed() || v.Revision != 1 || len(v.Entries) != 1 {
			t.Fatalf("listed as it is: %+v, %v", v, err)
		}
	})
	again.ID, again.Keyed = "key:1", true
	var first listing.Verdict
	b.unchanged(func() {
		v, err := b.Apply(t.Context(), again)
		if err != nil || v.Changed() || v.Repeated {
			t.Fatalf("with a key: %+v, %v", v, err)
		}
		first = v
	})
	b.apply(delist("192.0.2.1"))
	b.reopen()
	b.unchanged(func() {
		v, err := b.Apply(t.Context(), again)
		if err != nil || !v.Repeated {
			t.Fatalf("with the key again: %+v, %v", v, err)
		}
		v.Repeated = false
		same(t, "verdict of then", v, first)
	})
}

func applyDryRun(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.1"))
	r := b.request(delist("192.0.2.1"), list("192.0.2.2"))
	r.DryRun, r.Keyed = true, true
	b.unchanged(func() {
		v, err := b.Apply(t.Context(), r)
		if err != nil || len(v.Changes) != 2 {
			t.Fatalf("dry: %+v, %v", v, err)
		}
	})
	r.DryRun = false
	if v, err := b.Apply(t.Context(), r); err != nil || v.Repeated || len(v.Changes) != 2 {
		t.Fatalf("wet: %+v, %v", v, err)
	}
}

func applyAtOnceByMany(t *testing.T, b *fixture) {
	const clients, each = 16, 8
	var wait sync.WaitGroup
	var mu sync.Mutex
	seen := map[listing.Revision]bool{}
	for client := range clients {
		wait.Go(func() {
			for n := range each {
				r := listing.Request{Header: listing.Header{ID: fmt.Sprintf("%d-%d", client, n), Time: b.now, Actor: "alice"},
					Edits: []listing.Edit{list(fmt.Sprintf("192.0.2.%d", client*each+n))}}
				if n%2 == 1 { // one of them is refused, the others are not
					r.Edits[0].Expect = &[]listing.Revision{1 << 40}[0]
				}
				v, err := b.Apply(t.Context(), r)
				if n%2 == 1 {
					if !errors.Is(err, listing.ErrConflict) {
						t.Errorf("got %v, want ErrConflict", err)
					}
					continue
				}
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if seen[v.Revision] {
					t.Errorf("revision %d given twice", v.Revision)
				}
				seen[v.Revision] = true
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if st := b.status(); st.Entries != clients*each/2 || len(b.all()) != clients*each/2 {
		t.Errorf("%d entries, %d listed", st.Entries, len(b.all()))
	}
}

func applyCancelled(t *testing.T, b *fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.unchanged(func() {
		if _, err := b.Apply(ctx, b.request(list("192.0.2.1"))); err == nil {
			t.Error("applied after the context was done")
		}
		if _, err := b.Replace(ctx, b.importing("feed"), these([]listing.Entry{fed("192.0.2.1")})); err == nil {
			t.Error("replaced after the context was done")
		}
	})
}

func durable(t *testing.T, b *fixture) {
	b.apply(list("192.0.2.1"), listing.Edit{Op: listing.OpConfigure, Config: "hash"},
		listing.Edit{Op: listing.OpAllow, Allow: &listing.Allow{Subject: subject("198.51.100.0/24"), Owner: "bob"}})
	b.replace(b.importing("feed"), fed("203.0.113.1"), fed("2001:db8::/48"))
	b.apply(delist("192.0.2.1"))
	st := b.status()
	before := b.upTo(0, st.Head)
	listed := b.all()
	b.reopen()
	same(t, "status", b.status(), st)
	same(t, "changes", b.upTo(0, st.Head), before)
	same(t, "entries", b.all(), listed)
	b.view(func(s listing.Snapshot) {
		if p, err := s.Past(key("192.0.2.1", listing.BareIP)); err != nil || p.Level != 1 || !p.Ended.Equal(b.now) {
			t.Errorf("past %+v, %v", p, err)
		}
		if s.Config() != "hash" {
			t.Errorf("configuration %q", s.Config())
		}
		if a, err := s.Allows(); err != nil || len(a) != 1 || a[0].Owner != "bob" {
			t.Errorf("allows %+v, %v", a, err)
		}
	})
	if b.apply(list("192.0.2.7")).Revision <= st.Head {
		t.Error("a revision was used again")
	}
}

func evidence(t *testing.T, b *fixture) {
	seen := &listing.Evidence{Salt: []byte("salt"), Samples: []listing.Sample{{Time: b.now, Receiver: "mx1", HELO: "192.0.2.1"}}}
	e := list("192.0.2.1")
	e.Evidence = seen
	v := b.apply(e)
	sum := seen.Sum()
	if v.Entries[0].Evidence != sum {
		t.Fatalf("digest %s", v.Entries[0].Evidence)
	}
	b.reopen()
	b.view(func(s listing.Snapshot) {
		got, err := s.Evidence(sum)
		if err != nil || got.Sum() != sum || got.Samples[0].HELO != "192.0.2.1" {
			t.Errorf("evidence %+v, %v", got, err)
		}
		_, err = s.Evidence(listing.Digest{1})
		wantKind(t, err, listing.ErrNotFound)
	})
}

func documents(t *testing.T, b *fixture) {
	write := func(kind, id, body string) listing.Edit {
		return listing.Edit{Op: listing.OpDocument, Document: &listing.Document{Kind: kind, ID: id, Body: json.RawMessage(body)}}
	}
	b.apply(write("ticket", "t2", `{"n": 2}`), write("ticket", "t1", `{"n": 1}`), write("tick", "t3", `{}`))
	b.unchanged(func() { b.apply(write("ticket", "t1", `{"n": 1}`)) })
	b.apply(write("ticket", "t1", `{"n": 3}`), write("tick", "t3", ""))
	b.reopen()
	b.view(func(s listing.Snapshot) {
		same(t, "documents", collect(t, s.Documents("ticket")), []listing.Document{
			{Kind: "ticket", ID: "t1", Body: json.RawMessage(`{"n": 3}`), Revision: 2},
			{Kind: "ticket", ID: "t2", Body: json.RawMessage(`{"n": 2}`), Revision: 1}})
		if d, err := s.Document("ticket", "t2"); err != nil || string(d.Body) != `{"n": 2}` {
			t.Errorf("document %+v, %v", d, err)
		}
		_, err := s.Document("tick", "t3")
		wantKind(t, err, listing.ErrNotFound)
	})
	b.unchanged(func() {
		old := write("ticket", "t2", `{"n": 4}`)
		old.Expect = new(listing.Revision)
		_, err := b.Apply(t.Context(), b.request(old))
		wantKind(t, err, listing.ErrConflict)
	})
}
