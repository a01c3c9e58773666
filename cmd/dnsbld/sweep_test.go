package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/db"
	"dnsbld/listing"
)

// A daemon that begins with its clock a year ahead answers nothing that has ended
// by then, and ends nothing: with the right clock the list is as it was.
func TestAWrongClockEndsNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "data", "listings.db")
	if err := os.Mkdir(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	key := listing.Key{Subject: listing.Subject{Prefix: netip.MustParsePrefix("192.0.2.7/32")}, Reason: listing.Manual}
	open := func(use func(d *db.DB) error) {
		t.Helper()
		d, err := db.Open(file, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := use(d); err != nil {
			t.Error(err)
		}
	}
	open(func(d *db.DB) error {
		now := time.Now()
		_, err := d.Apply(t.Context(), listing.Request{Header: listing.Header{ID: "1", Time: now, Actor: "alice"},
			Edits: []listing.Edit{{Op: listing.OpList, Key: key, Until: now.Add(listing.Day)}}})
		return err
	})
	p := startDaemon(t, dir, nil, "--data", "data", "--clock-offset", "8760h")
	eventually(t, "it says that it waits", func() bool { return strings.Contains(p.said(), "nothing is ended for a while") })
	if rcode, _, _ := ask(t, p.dns, "7.2.0.192.bl.test.", dnsmessage.TypeA); rcode != dnsmessage.RCodeNameError {
		t.Errorf("what has ended by this clock is answered with %v", rcode)
	}
	p.stop(t)
	open(func(d *db.DB) error {
		return d.View(t.Context(), func(s listing.Snapshot) error {
			_, err := s.Get(key)
			return err
		})
	})
}
