package house

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Every test that RELIABILITY.md names is one that there is.
func TestReliabilityNamesTests(t *testing.T) {
	page, err := os.ReadFile("RELIABILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("git", "grep", "-h", "-E", "^func (Test|Fuzz)", "--", "*_test.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^    .*-run '?([A-Za-z|]+)'?`).FindAllStringSubmatch(string(page), -1)
	if len(commands) < 10 {
		t.Fatalf("%d commands", len(commands))
	}
	for _, c := range commands {
		for name := range strings.SplitSeq(c[1], "|") {
			if !strings.Contains(string(out), "func "+name) {
				t.Errorf("there is no test %s", name)
			}
		}
	}
}
