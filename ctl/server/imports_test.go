package server

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/report"
)

func plainImport(source string) ctl.Import {
	return ctl.Import{Import: listing.Import{Source: source}, Format: "plain", Reason: "imported"}
}

func TestImport(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	out, err := c.Import(t.Context(), plainImport("feed"), strings.NewReader("203.0.113.7\n10.0.0.1\n203.0.113.8\n"))
	if err != nil {
		t.Fatal(err)
	}
	if out.Added != 2 || out.Skipped != 1 || out.Lines != 3 || out.Bad != 0 || !h.listed("203.0.113.8") {
		t.Errorf("%+v", out)
	}
	if e := out.Changes[0]; e.Action != report.Refreshed || e.Source != "feed" || e.Entries != 2 || !e.Until.Equal(noon.Add(7*listing.Day)) {
		t.Errorf("change %+v", e)
	}
	cmd := plainImport("feed")
	cmd.Replace = true
	out, err = c.Import(t.Context(), cmd, strings.NewReader("203.0.113.9\n203.0.113.8\n"))
	if err != nil || out.Added != 1 || out.Removed != 1 || out.Kept != 1 || h.listed("203.0.113.7") {
		t.Errorf("%+v, %v", out, err)
	}
}

// Of many bad lines the first are reported, all are counted, and nothing is
// changed, be they unreadable or against the policy.
func TestImportRefusesBadLines(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	var file strings.Builder
	for n := range 30 {
		fmt.Fprintf(&file, "203.0.113.%d\nrubbish\n198.0.0.0/8\n", n)
	}
	out, err := c.Import(t.Context(), plainImport("feed"), strings.NewReader(file.String()))
	isKind(t, err, listing.ErrInvalid, "bad-lines")
	if out.Bad != 60 || out.Lines != 30 || len(out.BadLines) != shownBad || out.BadLines[0].Line != 2 || out.BadLines[1].Line != 3 {
		t.Errorf("%d bad, %d good, reported %+v", out.Bad, out.Lines, out.BadLines)
	}
	if h.listed("203.0.113.1") {
		t.Error("a good line was imported")
	}
	cmd := plainImport("feed")
	cmd.SkipBad = true
	out, err = c.Import(t.Context(), cmd, strings.NewReader(file.String()))
	if err != nil || out.Bad != 60 || out.Added != 30 || !h.listed("203.0.113.1") {
		t.Errorf("skipping: %+v, %v", out, err)
	}
	cmd.MinLines = 31
	_, err = c.Import(t.Context(), cmd, strings.NewReader(file.String()))
	isKind(t, err, listing.ErrPolicy, "too-few-lines")
}

// A refusal that needs no file is given without reading it.
func TestImportIsRefusedEarly(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	cmd := plainImport("feed")
	cmd.Reason = "nonsense"
	cmd.Format = "plain"
	_, err := c.Import(t.Context(), cmd, readerFunc(func([]byte) (int, error) {
		t.Error("the file was read")
		return 0, io.EOF
	}))
	isKind(t, err, listing.ErrInvalid, "unknown-reason")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// The file of an import that fails late is read to its end, so that the client
// gets the answer and not a broken pipe.
func TestImportThatFailsLateIsAnswered(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	var file strings.Builder
	for n := range 200_000 {
		fmt.Fprintf(&file, "203.%d.%d.%d\n", n>>16, n>>8&0xff, n&0xff)
	}
	cmd := plainImport("Not A Name")
	_, err := c.Import(t.Context(), cmd, strings.NewReader(file.String()))
	isKind(t, err, listing.ErrInvalid, "bad-source")
	cmd = plainImport("feed")
	cmd.MaxChanges = 10
	_, err = c.Import(t.Context(), cmd, strings.NewReader(file.String()))
	isKind(t, err, listing.ErrPolicy, "too-many-changes")
}

func TestDropSource(t *testing.T) {
	h := newHouse(t)
	c := h.client(t)
	h.importHosts(t, "feed", 5)
	dry, err := c.DropSource(t.Context(), ctl.DropSource{Name: "feed", Note: "", Options: listing.Options{DryRun: true}})
	if err != nil || !dry.Changed || dry.Addresses != 5 || !h.listed("203.0.0.1") {
		t.Fatalf("%+v, %v", dry, err)
	}
	out, err := c.DropSource(t.Context(), ctl.DropSource{Name: "feed", Note: "no longer kept up"})
	if err != nil || !out.Changed || h.listed("203.0.0.1") || out.Changes[0].Note != "no longer kept up" {
		t.Fatalf("%+v, %v", out, err)
	}
	if all, err := c.Sources(t.Context(), false); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
