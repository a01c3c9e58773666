//go:build e2e

package web

import (
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"dnsbld/listing"
)

// A real browser over a real server: look-up, request and result, keyboard,
// 320 pixels, dark mode, axe-core. Takes chromium, node and npm. Pictures are
// kept in $ARTEFACTS.
//
//	node pages.test.mjs → chromium → http://127.0.0.1 → Server → Book → bbolt
//	                                                        ↑ index.Live ↲
func TestBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no chromium: scripts/dev/need chromium=chromium npm=npm")
	}
	artefacts := os.Getenv("ARTEFACTS")
	if artefacts == "" {
		artefacts = t.TempDir()
	}
	h := newHouse(t)
	h.busySender()
	h.add("192.0.2.20", "helo-bare-ip")
	h.add("192.0.2.21", "helo-bare-ip")
	h.evident("192.0.2.20", "helo-bare-ip", "192.0.2.20")
	h.evident("192.0.2.21", "helo-bare-ip", "192.0.2.21")
	h.add("2001:db8::/64", "helo-forged-literal")
	h.add("2001:db8::7", "manual", func(a *listing.Add) { a.PublicNote = "Sends to addresses that were never used." })
	h.withoutProof("192.0.2.8")
	h.stillOffending("192.0.2.9")
	h.mixedTraffic("192.0.2.10")
	h.relist("192.0.2.11", "helo-rcpt-domain", 3, listing.OperatorChoice)
	h.evident("192.0.2.11", "helo-rcpt-domain", "rcpt.example")
	h.relist("192.0.2.12", "helo-bare-ip", 2, listing.OperatorChoice)
	h.evident("192.0.2.12", "helo-bare-ip", "192.0.2.12")
	h.stillOffending("192.0.2.13")
	for _, note := range []string{"a", "b", "c"} {
		h.ask("192.0.2.13", "", func(f url.Values) { f.Set("note", note) })
	}
	h.add("192.0.2.14", "helo-bare-ip", func(a *listing.Add) { a.For = listing.Life(5 * time.Hour) })
	h.evident("192.0.2.14", "helo-bare-ip", "192.0.2.14")
	h.add("198.51.100.0/24", "helo-bare-ip")
	h.add("198.51.100.8", "helo-bare-ip", func(a *listing.Add) { a.Except = true })
	h.add("192.0.2.15", "helo-bare-ip")
	permit := listing.Permit{Subject: listing.HostSubject(netip.MustParseAddr("192.0.2.15")), Owner: "carol", Note: "a customer", Until: noon.Add(30 * listing.Day)}
	if _, err := h.book.Permit(t.Context(), operator("alice"), permit); err != nil {
		t.Fatal(err)
	}
	h.add("192.0.2.16", "helo-bare-ip")
	if _, err := h.book.Delist(t.Context(), operator("thresholds"), listing.Delist{Subject: listing.HostSubject(netip.MustParseAddr("192.0.2.16")), Because: listing.AutoHeal}); err != nil {
		t.Fatal(err)
	}
	h.feed("192.0.2.17", "192.0.2.18")
	h.ask("192.0.2.18", "192.0.2.18")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "browser"))); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "BASE="+h.base, "CHROMIUM="+chromium, "ARTEFACTS="+artefacts)
		out, err := c.CombinedOutput()
		t.Logf("%s\n%s", c, out)
		if err != nil {
			t.Fatal(err)
		}
	}
	run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	run("node", "--test", "--test-reporter=spec", "pages.test.mjs")
}
