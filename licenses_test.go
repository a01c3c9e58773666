package house

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write THIRD_PARTY_LICENSES")

// THIRD_PARTY_LICENSES goes with the two programs: it holds the licence of each
// module that they are linked from, and of Go itself.
func TestThirdPartyLicenses(t *testing.T) {
	const file = "THIRD_PARTY_LICENSES"
	want := licenses(t)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the programs are linked from (%v): go test -run TestThirdPartyLicenses . -update", file, err)
	}
}

// licenses puts the licences and notices of all linked modules behind each
// other, by module.
func licenses(t *testing.T) []byte {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/...")
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1") // the page is one for all machines
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	modules := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
	slices.Sort(modules)
	modules = slices.Compact(modules)
	if len(modules) < 20 {
		t.Fatalf("%d modules: %q", len(modules), modules)
	}
	var b bytes.Buffer
	b.WriteString("dnsbld and blctl are linked from these modules, under these licences.\n")
	for _, m := range modules {
		name, dir, _ := strings.Cut(m, "\t")
		if strings.HasPrefix(name, "golang.org/x/sys ") {
			name += ", and Go itself, its runtime and standard library" // not every installation of Go brings its own
		}
		writeLicense(t, &b, name, dir)
	}
	return b.Bytes()
}

func writeLicense(t *testing.T, b *bytes.Buffer, name, dir string) {
	t.Helper()
	fmt.Fprintf(b, "\n%s\n%s\n", strings.Repeat("=", 80), name)
	found := false
	for _, pattern := range []string{"LICENSE*", "NOTICE*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found = true
			fmt.Fprintf(b, "\n%s\n", bytes.Trim(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")), "\n"))
		}
	}
	if !found {
		t.Errorf("%s has no licence in %s", name, dir)
	}
}
