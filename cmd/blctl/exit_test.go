package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dnsbld/listing"
)

func TestExitStatus(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("a surprise"), 1},
		{listing.ErrCorrupt, 1},
		{listing.ErrCompacted, 1},
		{&listing.Error{Kind: errors.Join(listing.ErrUnavailable, listing.ErrCorrupt)}, 75},
		{&listing.Error{Kind: listing.ErrInvalid}, 2},
		{fmt.Errorf("doing: %w", listing.ErrNotFound), 3},
		{listing.ErrPolicy, 4},
		{listing.ErrConflict, 5},
		{partly{listing.ErrConflict}, 6},
		{answered(6), 6},
		{errors.Join(errors.New("x"), listing.ErrUnavailable), 75},
	} {
		if got := exitStatus(tt.err); got != tt.want {
			t.Errorf("%v: %d, wanted %d", tt.err, got, tt.want)
		}
	}
}

// A run that was interrupted says so, whatever it was doing.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var stdout, stderr bytes.Buffer
	status := run(ctx, []string{"blctl", "--socket", "/nowhere", "--json", "status"}, strings.NewReader(""), &stdout, &stderr, func(string) string { return "" })
	if status != exitFailed || !strings.Contains(stderr.String(), "error: interrupted\nhint: ") || !strings.Contains(stdout.String(), `"code":"interrupted"`) {
		t.Errorf("%d\n%s%s", status, &stdout, &stderr)
	}
}

// A file or a pipe gets no colour, and hostile bytes are not passed on.
func TestPaint(t *testing.T) {
	if got := (printer{}).paint(red, "x"); got != "x" {
		t.Errorf("without colour: %q", got)
	}
	if got := (printer{colour: true}).paint(red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("with colour: %q", got)
	}
	p := &program{stdout: &bytes.Buffer{}, getenv: func(string) string { return "" }}
	if p.printerFor(false).colour {
		t.Error("a buffer is no terminal")
	}
}

func TestAddresses(t *testing.T) {
	for n, want := range map[float64]string{1: "1 address", 256: "256 addresses", 1 << 80: "1.2e+24 addresses"} {
		if got := addresses(n); got != want {
			t.Errorf("%s, wanted %s", got, want)
		}
	}
}
