package listing_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/index"
)

// desk is a Book over a real store, with the view that serves it.
type desk struct {
	*listing.Book
	t    *testing.T
	live *index.Live
	ns   atomic.Int64
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, live: index.NewLive()}
	d.ns.Store(noon.UnixNano())
	store, err := db.Open(filepath.Join(t.TempDir(), "listings.db"), db.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.live.Load(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	followed := make(chan error, 1)
	go func() { followed <- d.live.Follow(ctx, store) }()
	t.Cleanup(func() {
		cancel()
		if err := <-followed; !errors.Is(err, context.Canceled) {
			t.Errorf("following: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	d.Book = listing.NewBook(store, d.live, listing.Rules{Reasons: reasons, Policy: listing.DefaultPolicy()}, d.now)
	return d
}

func (d *desk) now() time.Time { return time.Unix(0, d.ns.Load()).UTC() }

func (d *desk) advance(by time.Duration) { d.ns.Add(int64(by)) }

func subject(text string) listing.Subject {
	s, err := listing.ParseSubject(text)
	if err != nil {
		panic(err)
	}
	return s
}

// must is what a command did that may not fail.
func (d *desk) must(res listing.Result, err error) listing.Result {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
	return res
}

func (d *desk) add(prefix, reason string) listing.Result {
	d.t.Helper()
	return d.must(d.Add(d.t.Context(), operator("alice"), listing.Add{Subject: subject(prefix), Reason: reason, Force: true, Note: "seen"}))
}

func (d *desk) delist(prefix string, why listing.DelistReason) listing.Result {
	d.t.Helper()
	return d.must(d.Delist(d.t.Context(), operator("alice"), listing.Delist{Subject: subject(prefix), Because: why}))
}

func (d *desk) undo(id listing.Revision) listing.Result {
	d.t.Helper()
	return d.must(d.Undo(d.t.Context(), operator("bob"), id, "", listing.Options{}))
}

func (d *desk) feed(name string, replace bool, prefixes ...string) listing.Result {
	d.t.Helper()
	return d.must(d.Import(d.t.Context(), operator("alice"), listing.Import{Source: name, Replace: replace, Options: listing.Options{MaxChanges: 1000}}, lines(prefixes...), nil))
}

func lines(prefixes ...string) iter.Seq2[listing.Entry, error] {
	return func(yield func(listing.Entry, error) bool) {
		for _, p := range prefixes {
			if !yield(listing.Entry{Key: listing.Key{Subject: subject(p), Reason: listing.Imported}}, nil) {
				return
			}
		}
	}
}

// answers are the reasons that DNS gives for an address.
func (d *desk) answers(addr string) string {
	text := ""
	for _, hit := range d.live.Set().Lookup(netip.MustParseAddr(addr), uint32(d.now().Unix()), nil) {
		text += fmt.Sprintf(" %d", hit.Reason)
	}
	return text
}

func (d *desk) wantAnswers(addr, want string) {
	d.t.Helper()
	if got := d.answers(addr); got != want {
		d.t.Errorf("DNS says of %s%s, wanted%s", addr, got, want)
	}
}

func (d *desk) entry(prefix string, reason listing.Reason) (e listing.Entry) {
	d.t.Helper()
	err := d.Store().View(d.t.Context(), func(s listing.Snapshot) (err error) {
		e, err = s.Get(listing.Key{Subject: subject(prefix), Reason: reason})
		return err
	})
	if err != nil && !errors.Is(err, listing.ErrNotFound) {
		d.t.Fatal(err)
	}
	return e
}

func isKind(t *testing.T, err, kind error, code string) {
	t.Helper()
	e, ok := errors.AsType[*listing.Error](err)
	if !ok || !errors.Is(err, kind) || e.Code != code {
		t.Fatalf("got %#v (%v), wanted %v with code %s", err, err, kind, code)
	}
}

// The third listing within 90 days also lists as a repeated offender, and both
// end together.
func TestRepeatedOffender(t *testing.T) {
	d := newDesk(t)
	for range 2 {
		d.add("192.0.2.7", "helo-bare-ip")
		d.delist("192.0.2.7", listing.FixedClaimed)
		d.advance(listing.Day)
	}
	d.wantAnswers("192.0.2.7", "")
	third := d.add("192.0.2.7", "helo-bare-ip")
	d.wantAnswers("192.0.2.7", " 2 22")
	if e := d.entry("192.0.2.7", listing.BareIP); e.Level != 3 || e.Until.Sub(e.Since) != 12*listing.Day {
		t.Errorf("the third listing: %+v", e)
	}
	ended := d.delist("192.0.2.7", listing.FixedClaimed)
	d.wantAnswers("192.0.2.7", "")
	d.undo(ended.Revision)
	d.wantAnswers("192.0.2.7", " 2 22")
	_, err := d.Undo(t.Context(), operator("bob"), third.Revision, "", listing.Options{})
	isKind(t, err, listing.ErrConflict, "touched")
}

// A listing that was undone leaves no memory, and undoing the undo brings it back.
func TestUndoKeepsMemory(t *testing.T) {
	d := newDesk(t)
	d.add("192.0.2.7", "helo-bare-ip")
	d.delist("192.0.2.7", listing.FixedClaimed)
	second := d.add("192.0.2.7", "helo-bare-ip")
	d.undo(second.Revision)
	if e := d.add("192.0.2.7", "helo-bare-ip").Entries[0]; e.Level != 2 {
		t.Errorf("after an undone listing the next has level %d, not 2", e.Level)
	}

	d.add("192.0.2.8", "helo-bare-ip")
	ended := d.delist("192.0.2.8", listing.FixedClaimed)
	d.advance(time.Minute)
	undone := d.undo(ended.Revision)
	d.wantAnswers("192.0.2.8", " 2")
	redone := d.undo(undone.Revision)
	d.wantAnswers("192.0.2.8", "")
	if redone.Changes[0].Because != listing.FixedClaimed {
		t.Errorf("ended again as %s", redone.Changes[0].Because)
	}
	if e := d.add("192.0.2.8", "helo-bare-ip").Entries[0]; e.Level != 2 {
		t.Errorf("after a delisting undone and redone the next has level %d, not 2", e.Level)
	}
}

// Every command can be undone, and the undo too.
func TestUndo(t *testing.T) {
	for name, tt := range map[string]struct {
		before        func(*desk)
		do            func(*desk) listing.Result
		without, with string // what DNS says of 192.0.2.7
	}{
		"listing": {nil, func(d *desk) listing.Result { return d.add("192.0.2.7", "manual") }, "", " 20"},
		"delisting": {func(d *desk) { d.add("192.0.2.7", "manual") },
			func(d *desk) listing.Result { return d.delist("192.0.2.7", listing.OurError) }, " 20", ""},
		"expiry": {func(d *desk) { d.add("192.0.2.7", "manual") }, func(d *desk) listing.Result {
			return d.must(d.Expire(d.t.Context(), operator("alice"), listing.Expire{Subject: subject("192.0.2.7")}))
		}, " 20", ""},
		"exception": {func(d *desk) { d.add("192.0.2.0/24", "manual") }, func(d *desk) listing.Result {
			return d.must(d.Add(d.t.Context(), operator("alice"), listing.Add{Subject: subject("192.0.2.7"), Reason: "manual", Except: true}))
		}, " 20", ""},
		"delisting from a feed": {func(d *desk) { d.feed("ipsum", true, "192.0.2.7", "192.0.2.8") },
			func(d *desk) listing.Result { return d.delist("192.0.2.7", listing.FalsePositive) }, " 23", ""},
		"allow": {func(d *desk) { d.add("192.0.2.7", "manual") }, func(d *desk) listing.Result {
			return d.must(d.Permit(d.t.Context(), operator("alice"), listing.Permit{Subject: subject("192.0.2.0/24"), Owner: "postmaster", Force: true, Note: "ours"}))
		}, " 20", ""},
		"disallow": {func(d *desk) {
			d.add("192.0.2.7", "manual")
			d.must(d.Permit(d.t.Context(), operator("alice"), listing.Permit{Subject: subject("192.0.2.0/24"), Owner: "postmaster", Force: true, Note: "ours"}))
		}, func(d *desk) listing.Result {
			return d.must(d.Permit(d.t.Context(), operator("alice"), listing.Permit{Subject: subject("192.0.2.0/24"), Remove: true}))
		}, "", " 20"},
		"import": {func(d *desk) { d.feed("ipsum", true, "192.0.2.8", "198.51.100.0/24") },
			func(d *desk) listing.Result { return d.feed("ipsum", true, "192.0.2.7", "198.51.100.0/25") }, "", " 23"},
		"removal by import": {func(d *desk) { d.feed("ipsum", true, "192.0.2.7", "2001:db8::/48", "192.0.2.9") },
			func(d *desk) listing.Result { return d.feed("ipsum", true, "192.0.2.9") }, " 23", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			if tt.before != nil {
				tt.before(d)
			}
			d.wantAnswers("192.0.2.7", tt.without)
			done := tt.do(d)
			d.wantAnswers("192.0.2.7", tt.with)
			if _, err := d.Undo(t.Context(), operator("bob"), done.Revision, "", listing.Options{DryRun: true}); err != nil {
				t.Fatal(err)
			}
			d.wantAnswers("192.0.2.7", tt.with)
			undone := d.undo(done.Revision)
			d.wantAnswers("192.0.2.7", tt.without)
			if again := d.undo(done.Revision); again.Changed() {
				t.Errorf("undone twice: %+v", again.Changes)
			}
			redone := d.undo(undone.Revision)
			d.wantAnswers("192.0.2.7", tt.with)
			d.undo(redone.Revision)
			d.wantAnswers("192.0.2.7", tt.without)
			_, err := d.Undo(t.Context(), operator("bob"), done.Revision, "", listing.Options{})
			isKind(t, err, listing.ErrConflict, "touched")
		})
	}
}

// Undoing an import puts back all that it changed, attributes too.
func TestUndoImportRestoresContents(t *testing.T) {
	d := newDesk(t)
	all := func() string {
		text := ""
		if err := d.Store().View(t.Context(), func(s listing.Snapshot) error {
			for e, err := range s.Each(listing.Subject{}) {
				if err != nil {
					return err
				}
				text += fmt.Sprintf("%s %d %t %v %q\n", e.Subject, e.Reason, e.Except, e.Until, e.PublicNote)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return text
	}
	entries := func(note string, until time.Time, hosts ...string) iter.Seq2[listing.Entry, error] {
		return func(yield func(listing.Entry, error) bool) {
			for e := range lines(hosts...) {
				e.PublicNote, e.Until = note, until
				if !yield(e, nil) {
					return
				}
			}
		}
	}
	command := listing.Import{Source: "ipsum", Replace: true}
	d.must(d.Import(t.Context(), operator("alice"), command, entries("first", noon.Add(time.Hour), "192.0.2.7", "192.0.2.8", "198.51.100.0/24", "2001:db8::1"), nil))
	before := all()
	second := d.must(d.Import(t.Context(), operator("alice"), command, entries("second", time.Time{}, "192.0.2.8", "203.0.113.7", "2001:db8::1"), nil))
	if all() == before {
		t.Fatal("the second import changed nothing")
	}
	d.undo(second.Revision)
	if got := all(); got != before {
		t.Errorf("after the undo:\n%swanted:\n%s", got, before)
	}
}

// The first import of a source is undone by ending it: asked for again, it is so.
func TestUndoFirstImport(t *testing.T) {
	d := newDesk(t)
	first := d.feed("ipsum", true, "192.0.2.7")
	d.feed("other", true, "192.0.2.8")
	d.undo(first.Revision)
	d.wantAnswers("192.0.2.7", "")
	if again := d.undo(first.Revision); again.Changed() {
		t.Errorf("undone twice: %+v", again.Changes)
	}
	d.feed("ipsum", true, "192.0.2.7")
	_, err := d.Undo(t.Context(), operator("bob"), first.Revision, "", listing.Options{})
	isKind(t, err, listing.ErrConflict, "touched")
	d.wantAnswers("192.0.2.7", " 23")
}

func TestUndoRefuses(t *testing.T) {
	d := newDesk(t)
	d.feed("ipsum", true, "192.0.2.7")
	dropped := d.must(d.DropSource(t.Context(), operator("alice"), "ipsum", "", listing.Options{}))
	if err := d.Configure(t.Context(), daemon("dnsbld"), "hash"); err != nil {
		t.Fatal(err)
	}
	proposed, err := d.proposeAs(alice, listing.Add{Subject: subject("192.0.2.7"), Reason: "network"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		id   listing.Revision
		kind error
		code string
	}{
		{0, listing.ErrNotFound, "no-change"},
		{99, listing.ErrNotFound, "no-change"},
		{dropped.Revision, listing.ErrPolicy, "source-ended"},
		{dropped.Revision + 1, listing.ErrPolicy, "configuration"},
		{proposed.Revision, listing.ErrPolicy, "document"},
	} {
		_, err := d.Undo(t.Context(), operator("bob"), tt.id, "", listing.Options{})
		isKind(t, err, tt.kind, tt.code)
	}
}

// An import that began anew a source which had lapsed is undone by ending it.
func TestUndoImportAfterLapse(t *testing.T) {
	d := newDesk(t)
	d.feed("ipsum", true, "192.0.2.7")
	d.advance(8 * listing.Day)
	again := d.feed("ipsum", true, "192.0.2.8")
	d.wantAnswers("192.0.2.8", " 23")
	d.undo(again.Revision)
	d.wantAnswers("192.0.2.8", "")
}

// An entry that would have ended by now is not put back, and the answer says so.
func TestUndoTooLate(t *testing.T) {
	d := newDesk(t)
	d.must(d.Add(t.Context(), operator("alice"), listing.Add{Subject: subject("192.0.2.7"), Reason: "manual", For: listing.Life(time.Hour)}))
	ended := d.delist("192.0.2.7", listing.OurError)
	d.advance(2 * time.Hour)
	if res := d.undo(ended.Revision); res.Changed() || len(res.Warnings) != 1 {
		t.Errorf("%+v", res)
	}
}

// A command with a key is decided once, however often it comes, and its second
// answer is the first.
func TestKeyedCommands(t *testing.T) {
	d := newDesk(t)
	listed := d.add("192.0.2.7", "manual")
	d.feed("ipsum", true, "192.0.2.9")
	for _, command := range []struct {
		name string
		do   func(listing.Options) (listing.Result, error)
	}{
		{"delist", func(o listing.Options) (listing.Result, error) {
			return d.Delist(t.Context(), operator("alice"), listing.Delist{Subject: subject("192.0.2.9"), Because: listing.OurError, Options: o})
		}},
		{"undo", func(o listing.Options) (listing.Result, error) {
			return d.Undo(t.Context(), operator("alice"), listed.Revision, "", o)
		}},
		{"drop", func(o listing.Options) (listing.Result, error) {
			return d.DropSource(t.Context(), operator("alice"), "ipsum", "", o)
		}},
		{"allow", func(o listing.Options) (listing.Result, error) {
			return d.Permit(t.Context(), operator("alice"), listing.Permit{Subject: subject("203.0.113.0/24"), Owner: "bob", Force: true, Note: "ours", Options: o})
		}},
	} {
		o := listing.Options{IdempotencyKey: command.name}
		first := d.must(command.do(o))
		second := d.must(command.do(o))
		if !first.Changed() || first.Repeated || !second.Repeated || second.Revision != first.Revision {
			t.Errorf("%s: first %+v, then %+v", command.name, first, second)
		}
		_, err := d.Add(t.Context(), operator("alice"), listing.Add{Subject: subject("192.0.2.1"), Reason: "manual", Options: o})
		isKind(t, err, listing.ErrConflict, "id-used")
	}
}

// A refusal is not remembered under the key: the same command is refused again.
func TestRefusedKeyIsFree(t *testing.T) {
	d := newDesk(t)
	c := listing.Expire{Subject: subject("192.0.2.7"), Options: listing.Options{IdempotencyKey: "k"}}
	for range 2 {
		_, err := d.Expire(t.Context(), operator("alice"), c)
		isKind(t, err, listing.ErrNotFound, "not-listed")
	}
}

// Two who end the same entries at once both succeed, and it ends once.
func TestConflictsAreRetried(t *testing.T) {
	d := newDesk(t)
	for n := range 20 {
		d.add(fmt.Sprintf("192.0.2.%d", n), "manual")
	}
	var wait sync.WaitGroup
	var ended atomic.Int64
	for range 4 {
		wait.Go(func() {
			for n := range 20 {
				res, err := d.Delist(t.Context(), operator("alice"), listing.Delist{Subject: subject(fmt.Sprintf("192.0.2.%d", n)), Because: listing.OurError})
				if err != nil {
					t.Error(err)
				}
				ended.Add(int64(len(res.Changes)))
			}
		})
	}
	wait.Wait()
	if ended.Load() != 20 {
		t.Errorf("%d entries ended, of 20", ended.Load())
	}
}

// --if-revision holds for what is not an entry, too.
func TestIfRevision(t *testing.T) {
	d := newDesk(t)
	permit := func(at listing.Revision, owner string) (listing.Result, error) {
		return d.Permit(t.Context(), operator("alice"), listing.Permit{Subject: subject("192.0.2.0/24"), Owner: owner, Force: true, Note: "ours", Options: listing.Options{IfRevision: &at}})
	}
	_, err := permit(7, "bob")
	isKind(t, err, listing.ErrConflict, "revision")
	made := d.must(permit(0, "bob"))
	_, err = permit(0, "carol")
	isKind(t, err, listing.ErrConflict, "revision")
	d.must(permit(made.Revision, "carol"))

	imported := d.feed("ipsum", true, "192.0.2.7")
	wrong := imported.Revision + 1
	_, err = d.DropSource(t.Context(), operator("alice"), "ipsum", "", listing.Options{IfRevision: &wrong})
	isKind(t, err, listing.ErrConflict, "revision")
	_, err = d.Import(t.Context(), operator("alice"), listing.Import{Source: "ipsum", Options: listing.Options{IfRevision: &wrong}}, lines("192.0.2.8"), nil)
	isKind(t, err, listing.ErrConflict, "revision")
	d.must(d.DropSource(t.Context(), operator("alice"), "ipsum", "", listing.Options{IfRevision: &imported.Revision}))
}

// operator is a person who may everything.
func operator(name string) listing.Caller {
	return listing.Caller{Name: name, UID: 1001, Role: listing.Operator}
}

// daemon is a part of the program.
func daemon(name string) listing.Caller { return listing.Caller{Name: name, Role: listing.Daemon} }
