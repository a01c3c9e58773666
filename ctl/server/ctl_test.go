package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
)

// house is a daemon without DNS: a store, the view that follows it, a Book and
// a Server.
type house struct {
	store  *db.DB
	live   *index.Live
	book   *listing.Book
	server *Server
	clock  *clock
	closed bool // the test has closed the store
}

// clock is a time that tests set.
type clock struct{ ns atomic.Int64 }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func (c *clock) now() time.Time { return time.Unix(0, c.ns.Load()).UTC() }

func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// tester is a *testing.T, or one of rapid's.
type tester interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Output() io.Writer
	Errorf(string, ...any)
	Fatal(...any)
}

func newHouse(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	return newHouseIn(t, t.TempDir(), change...)
}

func newHouseIn(t tester, dir string, change ...func(*Config)) *house {
	t.Helper()
	h := &house{live: index.NewLive(), clock: &clock{}}
	h.clock.ns.Store(noon.UnixNano())
	var err error
	if h.store, err = db.Open(filepath.Join(dir, "listings.db"), db.Options{NoSync: true}); err != nil {
		t.Fatal(err)
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	policy := listing.DefaultPolicy()
	h.live.Protect(policy.NeverList())
	if err := h.live.Load(t.Context(), h.store); err != nil {
		t.Fatal(err)
	}
	h.book = listing.NewBook(h.store, h.live, listing.Rules{Reasons: reasons, Policy: policy}, h.clock.now)
	cfg := Config{Book: h.book, Live: h.live, Version: "1.2.3", Started: noon, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Spool: h.store.Nameless,
		Zones: func() []report.Zone {
			return []report.Zone{{Name: "bl.test", TTL: listing.Life(5 * time.Minute), NegativeTTL: listing.Life(time.Minute)}}
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	h.server = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	followed := make(chan error, 1)
	go func() { followed <- h.live.Follow(ctx, h.store) }()
	t.Cleanup(func() {
		cancel()
		if err := <-followed; !errors.Is(err, context.Canceled) && !h.closed {
			t.Errorf("following: %v", err)
		}
		if err := h.store.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return h
}

// serve opens a real socket and returns its path.
func (h *house) serve(t testing.TB) string {
	t.Helper()
	path, ends := h.begin(t)
	t.Cleanup(func() {
		if err := <-ends(); err != nil {
			t.Errorf("serving: %v", err)
		}
		if _, err := net.Dial("unix", path); err == nil {
			t.Error("the socket still answers")
		}
	})
	return path
}

// begin is serve for a test that ends the server itself, and sees how that goes.
func (h *house) begin(t testing.TB) (path string, ends func() (served <-chan error)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	served := make(chan error, 1)
	go func() { served <- h.server.Serve(ctx, l) }()
	return path, func() <-chan error { cancel(); return served }
}

// client talks to the house over a socket.
func (h *house) client(t testing.TB) *ctl.Client { return ctl.NewClient(h.serve(t)) }

func subject(text string) listing.Subject {
	s, err := listing.ParseSubject(text)
	if err != nil {
		panic(err)
	}
	return s
}

func (h *house) add(t testing.TB, c listing.Add) {
	t.Helper()
	if _, err := h.book.Add(t.Context(), operator("alice"), c); err != nil {
		t.Fatal(err)
	}
}

// listed reports whether the served view answers an address as listed.
func (h *house) listed(text string) bool {
	return len(h.live.Set().Lookup(netip.MustParseAddr(text), uint32(h.clock.now().Unix()), nil)) > 0
}

// isKind checks the kind and the code of an error.
func isKind(t testing.TB, err, kind error, code string) {
	t.Helper()
	e, ok := errors.AsType[*listing.Error](err)
	if !ok || !errors.Is(err, kind) || e.Code != code {
		t.Fatalf("got %#v, wanted %v with code %s", err, kind, code)
	}
}

// operator is a person who may everything.
func operator(name string) listing.Caller {
	return listing.Caller{Name: name, UID: 1001, Role: listing.Operator}
}

// daemon is a part of the program.
func daemon(name string) listing.Caller { return listing.Caller{Name: name, Role: listing.Daemon} }
