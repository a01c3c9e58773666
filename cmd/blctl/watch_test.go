package main

import (
	"context"
	"path/filepath"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// interrupter cancels what it is told to when something is printed.
type interrupter struct{ interrupt func() }

func (i interrupter) Write(p []byte) (int, error) {
	i.interrupt()
	return len(p), nil
}

// To be interrupted is how watch ends: exit status 0, and not a word.
func TestWatchInterrupted(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	d, err := startDaemon(socket, filepath.Join(dir, "listings.db"), filepath.Join(dir, "persons"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.stop(); err != nil {
			t.Error(err)
		}
	}()
	s, err := listing.ParseSubject("192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ctl.NewClient(socket).Add(t.Context(), listing.Add{Subject: s, Reason: "manual"}); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	status := run(ctx, []string{"blctl", "--socket", socket, "watch", "--after", "0"}, nil, interrupter{interrupt}, t.Output(), func(string) string { return "" })
	if status != exitDone {
		t.Errorf("exit status %d", status)
	}
}
