// Package house holds no code: its tests hold the shape of the program.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// imports is the import table of DESIGN.md: what each package of ours may
// import of ours, and which packages may import a library that belongs to one
// room alone. Tests may import more.
var imports = map[string][]string{
	"dnsbld/listing":            {},
	"dnsbld/listing/helo":       {},
	"dnsbld/listing/language":   {},
	"dnsbld/nice":               {},
	"dnsbld/files":              {},
	"dnsbld/unixsocket":         {"dnsbld/listing"},
	"dnsbld/connlimit":          {"dnsbld/listing"},
	"dnsbld/costtest":           {},
	"dnsbld/listing/index":      {"dnsbld/listing", "dnsbld/nice"},
	"dnsbld/listing/wildcard":   {"dnsbld/listing"},
	"dnsbld/listing/hits":       {"dnsbld/listing"},
	"dnsbld/listing/feed":       {"dnsbld/listing"},
	"dnsbld/listing/sighting":   {"dnsbld/listing", "dnsbld/listing/helo"},
	"dnsbld/listing/sensor":     {"dnsbld/listing", "dnsbld/listing/helo", "dnsbld/listing/sighting"},
	"dnsbld/listing/removal":    {"dnsbld/listing", "dnsbld/listing/helo"},
	"dnsbld/listing/delist":     {"dnsbld/listing", "dnsbld/listing/language", "dnsbld/listing/removal", "dnsbld/listing/sighting"},
	"dnsbld/listing/desk":       {"dnsbld/listing", "dnsbld/listing/delist", "dnsbld/listing/helo", "dnsbld/listing/language", "dnsbld/listing/removal", "dnsbld/listing/report", "dnsbld/listing/sighting"},
	"dnsbld/listing/mirror":     {"dnsbld/listing", "dnsbld/listing/report", "dnsbld/listing/wildcard"},
	"dnsbld/listing/report":     {"dnsbld/listing", "dnsbld/listing/sighting"},
	"dnsbld/db/backup":          {"dnsbld/listing"},
	"dnsbld/db":                 {"dnsbld/db/backup", "dnsbld/files", "dnsbld/listing", "dnsbld/nice", "dnsbld/listing/sighting", "dnsbld/listing/desk"},
	"dnsbld/db/dbtest":          {"dnsbld/listing"},
	"dnsbld/zone":               {"dnsbld/connlimit", "dnsbld/listing", "dnsbld/listing/hits", "dnsbld/listing/index", "dnsbld/listing/mirror", "dnsbld/listing/report", "dnsbld/listing/wildcard", "dnsbld/nice"},
	"dnsbld/mta":                {"dnsbld/connlimit", "dnsbld/files", "dnsbld/listing", "dnsbld/listing/helo", "dnsbld/listing/sensor", "dnsbld/unixsocket"},
	"dnsbld/mta/mtatest":        {},
	"dnsbld/mta/sendmail":       {"dnsbld/listing"},
	"dnsbld/mta/resolve":        {"dnsbld/listing/helo", "dnsbld/mta"},
	"dnsbld/web":                {"dnsbld/connlimit", "dnsbld/files", "dnsbld/listing", "dnsbld/listing/language", "dnsbld/nice", "dnsbld/listing/desk", "dnsbld/listing/index", "dnsbld/listing/sighting", "dnsbld/listing/delist", "dnsbld/listing/removal"},
	"dnsbld/ctl":                {"dnsbld/listing", "dnsbld/listing/removal", "dnsbld/listing/report", "dnsbld/listing/sensor", "dnsbld/listing/sighting"},
	"dnsbld/ctl/server":         {"dnsbld/connlimit", "dnsbld/ctl", "dnsbld/listing", "dnsbld/listing/delist", "dnsbld/listing/desk", "dnsbld/listing/feed", "dnsbld/listing/hits", "dnsbld/listing/index", "dnsbld/listing/removal", "dnsbld/listing/report", "dnsbld/listing/sensor", "dnsbld/listing/sighting", "dnsbld/unixsocket"},
	"dnsbld/cmd/help":           {},
	"dnsbld/cmd/dnsbld":         {"*"},
	"dnsbld/cmd/dnsbld/config":  {"dnsbld/connlimit", "dnsbld/ctl/server", "dnsbld/listing", "dnsbld/listing/delist", "dnsbld/listing/desk", "dnsbld/listing/sensor", "dnsbld/listing/sighting", "dnsbld/mta", "dnsbld/mta/sendmail", "dnsbld/unixsocket", "dnsbld/web", "dnsbld/zone"},
	"dnsbld/cmd/dnsbld/offline": {"dnsbld/ctl", "dnsbld/ctl/server", "dnsbld/db", "dnsbld/db/backup", "dnsbld/listing", "dnsbld/listing/index"},
	"dnsbld/cmd/blctl":          {"dnsbld/cmd/help", "dnsbld/files", "dnsbld/listing", "dnsbld/listing/sensor", "dnsbld/listing/removal", "dnsbld/listing/report", "dnsbld/listing/helo", "dnsbld/listing/sighting", "dnsbld/db/backup", "dnsbld/ctl", "dnsbld/mta"},
}

// rooms are libraries that some rooms alone may know.
var rooms = map[string][]string{
	"github.com/miekg/dns": {"dnsbld/zone", "dnsbld/mta/resolve"},
	"go.etcd.io/bbolt":     {"dnsbld/db"},
}

// nouns import the standard library alone, and what stands here.
var nouns = map[string][]string{
	"dnsbld/listing":       {},
	"dnsbld/listing/helo":  {"golang.org/x/net/idna"},
	"dnsbld/listing/index": {"github.com/gaissmai/bart"},
}

// notOperators are what the operator's command must not carry with it.
var notOperators = []string{"github.com/miekg/dns", "github.com/prometheus/client_golang/prometheus", "github.com/emersion/go-message", "go.etcd.io/bbolt",
	"dnsbld/ctl/server", "dnsbld/db", "dnsbld/listing/hits", "dnsbld/listing/index", "dnsbld/listing/delist", "dnsbld/listing/desk"}

type pkg struct {
	ImportPath, Dir, Doc   string
	Imports, Deps, GoFiles []string
}

// packages are those of this module, tools for developers left out.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Imports,Deps,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath != "dnsbld" && !strings.HasPrefix(p.ImportPath, "dnsbld/scripts/") {
			all = append(all, p)
		}
	}
}

func TestImportTable(t *testing.T) {
	for _, p := range packages(t) {
		may, known := imports[p.ImportPath]
		if !known {
			t.Errorf("%s is not in the import table: give it a room in DESIGN.md first", p.ImportPath)
		}
		for _, edge := range may {
			if edge != "*" && !slices.Contains(p.Imports, edge) {
				t.Errorf("%s may import %s, and does not: take the edge out", p.ImportPath, edge)
			}
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "dnsbld") && !slices.Contains(may, "*") && !slices.Contains(may, i) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
			if may, only := rooms[i]; only && !slices.Contains(may, p.ImportPath) {
				t.Errorf("%s imports %s, which belongs to %v", p.ImportPath, i, may)
			}
			if also, noun := nouns[p.ImportPath]; noun && strings.Contains(i, ".") && !slices.Contains(also, i) {
				t.Errorf("%s imports %s: nouns import the standard library", p.ImportPath, i)
			}
		}
		for _, dep := range p.Deps {
			if p.ImportPath == "dnsbld/cmd/blctl" && slices.Contains(notOperators, dep) {
				t.Errorf("blctl has %s in its dependency closure", dep)
			}
		}
	}
}

func TestOnePackageComment(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
		var with []string
		for _, f := range p.GoFiles {
			raw, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			for _, before := range []string{"// Package ", "// Command "} {
				if strings.HasPrefix(string(raw), before) || strings.Contains(string(raw), "\n"+before) {
					with = append(with, f)
				}
			}
		}
		if len(with) != 1 {
			t.Errorf("%s has %d package comments: %v", p.ImportPath, len(with), with)
		}
	}
}

// Long files are a warning: people decide.
func TestHouseNumbers(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		if n := strings.Count(string(raw), "\n"); n > 400 {
			t.Logf("warning: %s has %d lines", path, n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Pages are read in terminals and in differences. A command stands as it is typed.
func TestMarkdownColumns(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "*.md").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	if len(files) < 5 {
		t.Fatalf("%d pages", len(files))
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(raw), "\n") {
			if columns := utf8.RuneCountInString(line); columns > 120 && !strings.HasPrefix(strings.TrimLeft(line, "0123456789."), "    ") {
				t.Errorf("%s:%d: %d columns", name, n+1, columns)
			}
		}
	}
}
