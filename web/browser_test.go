//go:build e2e

package web

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
