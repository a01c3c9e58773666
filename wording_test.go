package house

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Texts for people keep to docs/wording.md, which has the words to avoid.
func TestWording(t *testing.T) {
	page, err := os.ReadFile("docs/wording.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile(`(?m)^      avoid: (.*)$`).FindSubmatch(page)
	if listed == nil {
		t.Fatal("the page has no words to avoid")
	}
	words := strings.Split(string(listed[1]), ", ")
	avoid := regexp.MustCompile(`(?i)\b(` + strings.Join(words, "|") + `)\b`)
	out, err := exec.Command("git", "ls-files", "web/templates", "listing/delist/templates", "cmd/blctl/help", "cmd/dnsbld/help", "cmd/blctl/man", "cmd/dnsbld/man", "cmd/dnsbld/config/example.toml",
		"docs", "README.md", "scripts/letter", "scripts/delist-request", "scripts/triage").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	if len(files) < 100 || len(words) < 5 {
		t.Fatalf("%d files, %d words", len(files), len(words))
	}
	for _, name := range files {
		if name == "docs/wording.md" || name == "docs/decisions.md" { // the record of who wrote it
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(raw), "\n") {
			if found := avoid.FindString(line); found != "" {
				t.Errorf("%s:%d: %q: %s", name, n+1, found, strings.TrimSpace(line))
			}
		}
	}
}
