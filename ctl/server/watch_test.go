package server

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

func TestWatchResumes(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	for n := range 3 {
		h.add(t, listing.Add{Subject: subject("192.0.2." + itoa(n)), Reason: "manual"})
	}
	h.importHosts(t, "feed", 5000) // revision 4: the source and its entries
	read := func(after listing.Revision) (count int, last listing.Revision) {
		for e, err := range c.Watch(t.Context(), ctl.Watch{After: &after, Once: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if count++; e.Last {
				last = e.Revision
			}
		}
		return count, last
	}
	for _, tt := range []struct {
		after listing.Revision
		count int
	}{{0, 3 + 1 + 5000}, {2, 1 + 1 + 5000}, {4, 0}} {
		if count, last := read(tt.after); count != tt.count || (count > 0 && last != 4) {
			t.Errorf("after %d: %d changes, the last revision %d", tt.after, count, last)
		}
	}
	for _, err := range c.Watch(t.Context(), ctl.Watch{After: ptr(listing.Revision(5))}) {
		isKind(t, err, listing.ErrInvalid, "future")
	}
}

// Changes made while somebody watches come at once, in order.
func TestWatchFollows(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.1"), Reason: "manual"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 1
	for e, err := range c.Watch(ctx, ctl.Watch{After: ptr(listing.Revision(0))}) {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Revision != listing.Revision(n) || e.Action != report.Listed || !e.Last {
			t.Fatalf("change %d: %+v", n, e)
		}
		if n++; n > 5 {
			cancel()
			continue
		}
		h.add(t, listing.Add{Subject: subject(fmt.Sprintf("192.0.2.%d", n)), Reason: "manual"})
	}
	if n != 6 {
		t.Errorf("%d changes", n)
	}
}

// A watcher who does not read holds up neither writers nor the end.
func TestSlowWatcher(t *testing.T) {
	h := newHouse(t)
	path, ends := h.begin(t)
	h.importHosts(t, "feed", 50000)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "GET /v1/changes?after=0 HTTP/1.1\r\nHost: dnsbld\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	h.add(t, listing.Add{Subject: subject("192.0.2.1"), Reason: "manual"})
	served := ends()
	conn.Close()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the server does not end")
	}
}

// When the daemon ends it says where to go on.
func TestWatchEndsWithTheDaemon(t *testing.T) {
	h := newHouse(t)
	path, ends := h.begin(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.1"), Reason: "manual"})
	var last error
	for _, err := range ctl.NewClient(path).Watch(t.Context(), ctl.Watch{After: ptr(listing.Revision(0))}) {
		last = err
		ends()
	}
	isKind(t, last, listing.ErrUnavailable, "ended")
	if err := <-ends(); err != nil {
		t.Error(err)
	}
}

func TestAudit(t *testing.T) {
	h := newHouse(t)
	h.server.cfg.Verify = h.store.Audit
	c := h.client(t)
	h.add(t, listing.Add{Subject: subject("192.0.2.1"), Reason: "manual"})
	first, err := c.Audit(t.Context(), ctl.Audit{})
	if err != nil || first.Head != 1 || first.Records != 1 {
		t.Fatalf("%+v, %v", first, err)
	}
	h.add(t, listing.Add{Subject: subject("192.0.2.2"), Reason: "manual"})
	if since, err := c.Audit(t.Context(), ctl.Audit{From: first.Checkpoint()}); err != nil || since.Head != 2 || since.Records != 1 {
		t.Errorf("%+v, %v", since, err)
	}
	for name, from := range map[string]listing.Checkpoint{
		"another hash": {Revision: 1, Chain: listing.Digest{7}},
		"cut off":      {Revision: 3, Chain: first.Chain},
	} {
		v, err := c.Audit(t.Context(), ctl.Audit{From: from})
		isKind(t, err, listing.ErrCorrupt, "chain-broken")
		if v.Broken == 0 {
			t.Errorf("%s: the broken record is not named", name)
		}
	}
}
