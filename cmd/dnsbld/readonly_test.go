package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// Where the list is damaged, DNS is answered from a backup until it is mended, and
// whoever would change something is told why he cannot.
func TestReadOnly(t *testing.T) {
	dir := shortDir(t)
	list, saved := filepath.Join(dir, "var", "listings.db"), filepath.Join(dir, "saved")
	p := startDaemon(t, dir, nil, "--data", "var", "--web", "")
	client := ctl.NewClient(p.socket)
	add := listing.Add{Subject: host(t, "192.0.2.7"), Reason: "manual"}
	if _, err := client.Add(t.Context(), add); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(saved)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Backup(t.Context(), ctl.None{}, file)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	p.stop(t)
	backup, damaged := read(t, saved), bytes.Repeat([]byte("damaged "), 8192)
	mark := read(t, list+".served")
	if err := os.WriteFile(list, damaged, 0o600); err != nil {
		t.Fatal(err)
	}

	p = startDaemon(t, dir, nil, "--data", "var", "--web", "", "--read-only", saved)
	if _, answers, _ := ask(t, p.dns, "7.2.0.192.bl.test.", dnsmessage.TypeA); len(answers) != 1 {
		t.Errorf("the backup is not served: %v", answers)
	}
	client = ctl.NewClient(p.socket)
	add.Subject = host(t, "192.0.2.8")
	_, err = client.Add(t.Context(), add)
	if e, ok := errors.AsType[*listing.Error](err); !ok || e.Code != "read-only" || !errors.Is(err, listing.ErrUnavailable) || e.Hint == "" {
		t.Errorf("a change: %v", err)
	}
	if st, err := client.Status(t.Context()); err != nil || !st.Store.ReadOnly || st.Store.Path != saved {
		t.Errorf("%+v, %v", st.Store, err)
	}
	p.stop(t)
	if said := p.said(); !strings.Contains(said, "served read-only") || strings.Contains(said, "level=ERROR") {
		t.Errorf("it said\n%s", said)
	}
	if !bytes.Equal(read(t, saved), backup) || !bytes.Equal(read(t, list), damaged) || !bytes.Equal(read(t, list+".served"), mark) {
		t.Error("a file was changed")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func host(t *testing.T, text string) listing.Subject {
	t.Helper()
	s, err := listing.ParseSubject(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
