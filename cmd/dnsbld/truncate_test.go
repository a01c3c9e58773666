package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
		if _, err := client.Add(t.Context(), add); !errors.Is(err, listing.ErrUnavailable) {
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

// A configuration that is in force is not said to be unused because the list could not
// note it.
func TestReloadWithoutAList(t *testing.T) {
	dir := shortDir(t)
	writeConfig(t, dir, fmt.Sprintf(oneZone, 300))
	p := startDaemon(t, dir, nil, "--config", "dnsbld.toml")
	if err := os.Truncate(filepath.Join(dir, "data", "listings.db"), 0); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, dir, fmt.Sprintf(oneZone, 60))
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new TTL", func() bool {
		_, answers, _ := ask(t, p.dns, "2.0.0.127.bl.test.", dnsmessage.TypeA)
		return len(answers) == 1 && answers[0].Header.TTL == 60
	})
	eventually(t, "the list could not note it", func() bool { return strings.Contains(p.said(), "noting the configuration") })
	eventually(t, "the reload has ended", func() bool { return strings.Contains(p.said(), "the configuration was read again") })
	if said := p.said(); strings.Contains(said, "is not used") {
		t.Errorf("it is in force, and it is said:\n%s", said)
	}
	p.stop(t)
}
