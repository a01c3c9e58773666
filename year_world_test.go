package house

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/ctl"
	"dnsbld/ctl/server"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/index"
	"dnsbld/listing/report"
	"dnsbld/zone"
)

// world is a daemon without sockets, under a clock of its own.
type world struct {
	*testing.T
	*rand.Rand
	now   time.Time    // of the test
	clock atomic.Int64 // the same, for whoever answers it
	store *db.DB
	live  *index.Live
	book  *listing.Book
	dns   *zone.Server
	blctl *ctl.Client
	stop  func()
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{T: t, Rand: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.later(0)
	w.start(filepath.Join(t.TempDir(), "listings.db"))
	t.Cleanup(func() { w.stop() })
	return w
}

// start opens a store and serves it.
func (w *world) start(path string) {
	w.Helper()
	var err error
	if w.store, err = db.Open(path, db.Options{NoSync: true}); err != nil {
		w.Fatal(err)
	}
	reasons, err := listing.NewReasons(listing.DefaultReasons())
	if err != nil {
		w.Fatal(err)
	}
	policy := listing.DefaultPolicy()
	w.live = index.NewLive()
	w.live.Protect(policy.NeverList())
	if err := w.live.Load(w.Context(), w.store); err != nil {
		w.Fatal(err)
	}
	w.book = listing.NewBook(w.store, w.live, listing.Rules{Reasons: reasons, Policy: policy}, func() time.Time { return time.Unix(0, w.clock.Load()).UTC() })
	bl := zone.Zone{Name: "bl.test", NS: []zone.NameServer{{Name: "ns1.example"}}}
	if w.dns, err = zone.New(w.live, w, zone.Config{Reasons: reasons, Zones: []zone.Zone{bl}}); err != nil {
		w.Fatal(err)
	}
	zones := func() []report.Zone {
		return []report.Zone{{Name: bl.Name, TTL: listing.Life(zone.DefaultTTL), NegativeTTL: listing.Life(zone.DefaultTTL)}}
	}
	control := httptest.NewUnstartedServer(server.New(server.Config{Book: w.book, Live: w.live, Zones: zones, Started: w.now, Spool: w.store.Nameless}))
	control.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return server.WithCaller(ctx, listing.Caller{UID: 1000, Name: "anna"})
	}
	control.Start()
	w.Cleanup(control.Close)
	w.blctl = ctl.Over(&http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", control.Listener.Addr().String())
	}})

	ctx, cancel := context.WithCancel(context.WithoutCancel(w.Context()))
	followed := make(chan error, 1)
	go func() { followed <- w.live.Follow(ctx, w.store) }()
	w.stop = func() {
		cancel()
		if err := <-followed; !errors.Is(err, context.Canceled) {
			w.Errorf("following the list: %v", err)
		}
		if err := w.store.Close(); err != nil {
			w.Errorf("closing the store: %v", err)
		}
	}
}

// later lets time go by, and no more.
func (w *world) later(d time.Duration) {
	w.now = w.now.Add(d)
	w.clock.Store(w.now.UnixNano())
}

// Now is the clock of the DNS side.
func (w *world) Now() uint32 { return uint32(w.now.Unix()) }

// passes lets time go by, and what is due end.
func (w *world) passes(d time.Duration) {
	w.later(d)
	for {
		edits := w.live.Set().Due(w.Now(), listing.MaxEdits)
		if len(edits) == 0 {
			return
		}
		if err := w.book.Sweep(w.Context(), daemon("dnsbld"), edits); err != nil {
			w.Fatalf("%s: ending what is due: %v", w.now, err)
		}
	}
}

// may fails the test unless an error is one that an operator can get: the list
// is not as he thought.
func (w *world) may(what string, err error) (done bool) {
	w.Helper()
	if err == nil {
		return true
	}
	for _, kind := range []error{listing.ErrConflict, listing.ErrPolicy, listing.ErrNotFound} {
		if errors.Is(err, kind) {
			return false
		}
	}
	w.Fatalf("%s: %s: %v", w.now, what, err)
	return false
}

// answered is what DNS says of an address: the codes, in rising order.
func (w *world) answered(a netip.Addr) []listing.Reason {
	w.Helper()
	name, err := dnsmessage.NewName(owner(a) + ".bl.test.")
	if err != nil {
		w.Fatal(err)
	}
	question := dnsmessage.Question{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}
	query, err := (&dnsmessage.Message{Header: dnsmessage.Header{ID: 7}, Questions: []dnsmessage.Question{question}}).Pack()
	if err != nil {
		w.Fatal(err)
	}
	peer := zone.Peer{Addr: netip.MustParseAddrPort("192.0.2.1:5353")}
	var m dnsmessage.Message
	if err := m.Unpack(w.dns.Answer(nil, query, peer)); err != nil {
		w.Fatal(err)
	}
	var codes []listing.Reason
	for _, r := range m.Answers {
		codes = append(codes, listing.Reason(r.Body.(*dnsmessage.AResource).A[3]))
	}
	if len(codes) == 0 && m.RCode != dnsmessage.RCodeNameError {
		w.Fatalf("%s: %s is answered with %v and nothing", w.now, a, m.RCode)
	}
	slices.Sort(codes)
	return codes
}

// owner is the name under which an address is asked for (RFC 5782).
func owner(a netip.Addr) string {
	var labels []string
	for _, b := range slices.Backward(a.AsSlice()) {
		if a.Is4() {
			labels = append(labels, fmt.Sprint(b))
		} else {
			labels = append(labels, fmt.Sprintf("%x.%x", b&15, b>>4))
		}
	}
	return strings.Join(labels, ".")
}

// backup is a copy of the store.
func (w *world) backup() []byte {
	w.Helper()
	var b bytes.Buffer
	if _, err := w.store.Backup(w.Context(), &b); err != nil {
		w.Fatal(err)
	}
	return b.Bytes()
}

// restore puts a backup in the place of the store, with revisions that go on
// from the last that was served.
func (w *world) restore(backup []byte) {
	w.Helper()
	served := w.live.Set().Revision()
	w.stop()
	path := filepath.Join(w.TempDir(), "restored.db")
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		w.Fatal(err)
	}
	store, err := db.Open(path, db.Options{NoSync: true})
	if err != nil {
		w.Fatal(err)
	}
	if err := errors.Join(store.Skip(w.Context(), served), store.Close()); err != nil {
		w.Fatal(err)
	}
	w.start(path)
	if got := w.live.Set().Revision(); got < served {
		w.Fatalf("the restored list is served at revision %d, after %d", got, served)
	}
}

// daemon is a part of the program.
func daemon(name string) listing.Caller { return listing.Caller{Name: name, Role: listing.Daemon} }
