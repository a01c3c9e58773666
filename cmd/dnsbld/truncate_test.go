package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// The files of a daemon that runs are cut short, as a failing disk or a mistake does: DNS
// and the control socket go on, changes are refused, status says why, and it ends when it
// is told to.
func TestFilesCutShort(t *testing.T) {
	dir := shortDir(t)
	p := startDaemon(t, dir, nil, "--data", "var", "--web", "")
	client := ctl.NewClient(p.socket)
	add := listing.Add{Subject: host(t, "192.0.2.7"), Reason: "manual"}
	if _, err := client.Add(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"listings.db", "people.db", "sightings.db"} {
		if err := os.Truncate(filepath.Join(dir, "var", name), 0); err != nil {
			t.Fatal(err)
		}
	}
	listed := func() {
		t.Helper()
		if _, answers, _ := ask(t, p.dns, "7.2.0.192.bl.test.", dnsmessage.TypeA); len(answers) != 1 {
			t.Errorf("DNS answers %v\n%s", answers, p.said())
		}
	}
	listed()
	add.Subject = host(t, "192.0.2.8")
	for range 2 {
		if _, err := client.Add(t.Context(), add); !errors.Is(err, listing.ErrUnavailable) && !errors.Is(err, listing.ErrCorrupt) {
			t.Errorf("a change: %v", err)
		}
	}
	if _, err := client.Compact(t.Context(), ctl.None{}); err == nil {
		t.Error("it was compacted")
	}
	if _, err := client.Backup(t.Context(), ctl.None{}, new(bytes.Buffer)); err == nil {
		t.Error("it was saved")
	}
	st, err := client.Status(t.Context())
	if said := fmt.Sprint(st.Store.Failed, err); !strings.Contains(said, "a part of the file is not there") {
		t.Errorf("status: %s", said)
	}
	listed()
	p.stop(t)
}
